//! A `package.json`, whose values keep the order of their parts: that of `exports` has a meaning.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// The fields that come first, for those who read it.
const FIRST: [&str; 5] = ["name", "version", "description", "license", "type"];

/// What only the repository has a use for.
const PRIVATE: [&str; 2] = ["scripts", "devDependencies"];

/// One manifest.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    fields: BTreeMap<String, Box<RawValue>>,
}

impl Manifest {
    /// Reads that of a package.
    ///
    /// # Errors
    /// The file cannot be read, or is no JSON object.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("package.json");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let fields = serde_json::from_str(text)?;
        Ok(Self { fields })
    }

    /// Whether the package is not to be published.
    pub(super) fn is_private(&self) -> bool {
        self.fields
            .get("private")
            .is_some_and(|field| field.get() == "true")
    }

    /// A field that is text.
    ///
    /// # Errors
    /// It is missing, or something else.
    pub(super) fn text(&self, field: &str) -> Result<String> {
        match self.value(field)? {
            Value::String(text) => Ok(text),
            other => bail!("`{field}` is {other}, not text"),
        }
    }

    /// A field.
    ///
    /// # Errors
    /// It is missing.
    pub(super) fn value(&self, field: &str) -> Result<Value> {
        let raw = self
            .fields
            .get(field)
            .with_context(|| format!("there is no `{field}`"))?;
        Ok(serde_json::from_str(raw.get())?)
    }

    /// Sets a field.
    ///
    /// # Errors
    /// None that a JSON value can cause.
    pub(super) fn set(&mut self, field: &str, value: &Value) -> Result<()> {
        self.fields.insert(field.to_owned(), to_raw_value(value)?);
        Ok(())
    }

    /// Makes it that of a published package: without what only the repository has a use for, and for everybody,
    /// which npm otherwise does not take for granted of a name with a scope.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub(super) fn publish(&mut self) -> Result<()> {
        for field in PRIVATE {
            self.fields.remove(field);
        }
        self.set("publishConfig", &json!({ "access": "public" }))
    }

    /// Only these fields of it.
    pub(super) fn only(&self, fields: &[&str]) -> Self {
        let mut kept = self.clone();
        kept.fields
            .retain(|field, _| fields.contains(&field.as_str()));
        kept
    }

    /// Writes it as the `package.json` of a folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join("package.json");
        fs::write(&file, self.to_json()).with_context(|| format!("cannot write {}", file.display()))
    }

    fn to_json(&self) -> String {
        let first = FIRST
            .iter()
            .filter_map(|name| self.fields.get_key_value(*name));
        let rest = self
            .fields
            .iter()
            .filter(|(name, _)| !FIRST.contains(&name.as_str()));
        let lines: Vec<String> = first
            .chain(rest)
            .map(|(name, value)| format!("  {}: {}", Value::from(name.as_str()), value.get()))
            .collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Manifest;

    const SOURCE: &str = r#"{
  "scripts": { "test": "x" },
  "exports": { ".": { "types": "./b.d.ts", "default": "./a.js" } },
  "devDependencies": {},
  "version": "1.2.3",
  "name": "p"
}"#;

    #[test]
    fn what_is_published_keeps_the_order_of_conditions_and_nothing_private() {
        let mut manifest = Manifest::parse(SOURCE).unwrap();
        manifest.publish().unwrap();
        manifest.set("os", &json!(["linux"])).unwrap();
        assert_eq!(
            manifest.to_json(),
            r#"{
  "name": "p",
  "version": "1.2.3",
  "exports": { ".": { "types": "./b.d.ts", "default": "./a.js" } },
  "os": ["linux"],
  "publishConfig": {"access":"public"}
}
"#
        );
        assert_eq!(
            manifest.only(&["name"]).to_json(),
            "{\n  \"name\": \"p\"\n}\n"
        );
    }

    #[test]
    fn private_packages_and_missing_fields_are_seen() {
        let manifest = Manifest::parse(r#"{ "private": true, "name": 1 }"#).unwrap();
        assert!(manifest.is_private());
        assert!(
            !Manifest::parse(r#"{ "private": false }"#)
                .unwrap()
                .is_private()
        );
        assert!(!Manifest::parse("{}").unwrap().is_private());
        let error = |field| manifest.text(field).unwrap_err().to_string();
        assert_eq!(error("name"), "`name` is 1, not text");
        assert_eq!(error("version"), "there is no `version`");
        assert!(Manifest::parse("[]").is_err());
    }
}
