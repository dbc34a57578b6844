//! JSON as JavaScript understands it, by way of `serde_json`'s own tree.

use serde::Deserialize;
use serde_json::Value;

/// The value of a JSON text of any depth. `None` when it is none.
pub fn parse(text: &[u8]) -> Option<Value> {
    let mut source = serde_json::Deserializer::from_slice(text);
    source.disable_recursion_limit();
    let value = Value::deserialize(&mut source).ok()?;
    source.end().ok()?;
    Some(value)
}

/// How many arrays and objects are around the innermost value.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Equal when JavaScript could not tell them apart: all numbers are doubles.
pub struct Json<'a>(pub &'a Value);

impl PartialEq for Json<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| Json(a) == Json(b))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .all(|(name, a)| other.get(name).is_some_and(|b| Json(a) == Json(b)))
            }
            (one, other) => one == other,
        }
    }
}
