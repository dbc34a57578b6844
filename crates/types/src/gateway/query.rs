//! The `rvt-` parameters.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use memchr::memchr;

use super::KeySpec;
use crate::{
    ActorError, ActorName, cbor, limits,
    percent::{self, Plus},
};

/// An actor by name and key, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayQuery<'a> {
    /// The actor's type.
    pub name: ActorName,
    /// The namespace, unchecked.
    pub namespace: Cow<'a, str>,
    /// Whether the actor may be created.
    pub method: Method,
    /// The key. Read [`KeySpec`] before use: it may be ambiguous.
    pub key: KeySpec,
    /// The pool; always there for [`Method::GetOrCreate`].
    pub pool: Option<Cow<'a, str>>,
    /// The region to create the actor in.
    pub region: Option<Cow<'a, str>>,
    /// What to do when the actor crashes. We restart actors when they are needed, whatever this says.
    pub crash_policy: Option<CrashPolicy>,
    /// What to create the actor with: one well-formed CBOR value in compat form.
    pub input: Option<Bytes>,
    /// The caller's token.
    pub token: Option<Cow<'a, str>>,
    /// Whether not to wait for the actor to become ready.
    pub skip_ready_wait: bool,
}

/// How a query finds its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It must exist.
    Get,
    /// It is created if need be.
    GetOrCreate,
}

/// What a client asks for in case of a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPolicy {
    /// Start again at once.
    Restart,
    /// Start again when needed.
    Sleep,
    /// Never start again.
    Destroy,
}

const PREFIX: &str = "rvt-";

/// A query, split into `rvt-` parameters and the rest, all raw.
pub(super) struct Params<'a> {
    /// Decoded name without the prefix, and raw value.
    ours: Vec<(Cow<'a, str>, &'a str)>,
    rest: Vec<&'a str>,
}

impl<'a> Params<'a> {
    pub(super) fn split(query: &'a str) -> Self {
        let mut params = Self {
            // As many as clients send to create an actor, and one more.
            ours: Vec::with_capacity(6),
            rest: Vec::new(),
        };
        let mut left = Some(query);
        while let Some(all) = left {
            let (pair, more) = cut(b'&', all);
            left = more;
            let (name, value) = cut(b'=', pair);
            let value = value.unwrap_or_default();
            // Decoded first, so that no spelling of the name slips through to the actor.
            let name = percent::decode(name, Plus::Space).unwrap_or(Cow::Borrowed(name));
            match without_prefix(name) {
                Some(name) => params.ours.push((name, value)),
                None => params.rest.push(pair),
            }
        }
        params
    }

    pub(super) fn is_query_form(&self) -> bool {
        !self.ours.is_empty()
    }

    /// The query that the actor sees.
    pub(super) fn remaining(&self) -> Option<Cow<'a, str>> {
        match *self.rest {
            [] => None,
            [only] => Some(Cow::Borrowed(only)),
            _ => Some(Cow::Owned(self.rest.join("&"))),
        }
    }

    pub(super) fn parse(&self, name: ActorName) -> Result<GatewayQuery<'a>, ActorError> {
        let mut values = Values::read(&self.ours)?;
        let namespace = values
            .namespace
            .take()
            .ok_or_else(|| missing("namespace"))?;
        let method = match values.method.as_deref() {
            Some("get") => Method::Get,
            Some("getOrCreate") => Method::GetOrCreate,
            Some(_) => return Err(bad_value("method", "`get` or `getOrCreate`")),
            None => return Err(missing("method")),
        };
        values.check_method(method)?;
        Ok(GatewayQuery {
            name,
            namespace,
            method,
            key: values.key()?,
            crash_policy: values.crash_policy()?,
            input: values.input()?,
            skip_ready_wait: values.skip_ready_wait()?,
            pool: values.pool,
            region: values.region,
            token: values.token,
        })
    }
}

/// What is before the first `byte`, which is of ASCII, and what is behind it, if it is there. With each request a dozen
/// such parts are looked for: `str` takes five times as long for parts as short as these.
fn cut(byte: u8, text: &str) -> (&str, Option<&str>) {
    match memchr(byte, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The name of one of our parameters without the prefix.
fn without_prefix(name: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match name {
        Cow::Borrowed(name) => name.strip_prefix(PREFIX).map(Cow::Borrowed),
        Cow::Owned(name) => name
            .strip_prefix(PREFIX)
            .map(|name| Cow::Owned(name.to_owned())),
    }
}

/// The parameters' values, decoded and each given at most once.
#[derive(Default)]
struct Values<'a> {
    namespace: Option<Cow<'a, str>>,
    method: Option<Cow<'a, str>>,
    pool: Option<Cow<'a, str>>,
    key: Option<Cow<'a, str>>,
    key_storage: Option<Cow<'a, str>>,
    input: Option<Cow<'a, str>>,
    region: Option<Cow<'a, str>>,
    crash_policy: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
    skip_ready_wait: Option<Cow<'a, str>>,
}

impl<'a> Values<'a> {
    fn read(params: &[(Cow<'a, str>, &'a str)]) -> Result<Self, ActorError> {
        let mut values = Self::default();
        for (name, raw) in params {
            let slot = match &**name {
                "namespace" => &mut values.namespace,
                "method" => &mut values.method,
                "runner" | "pool" => &mut values.pool,
                "key" => &mut values.key,
                "key-storage" => &mut values.key_storage,
                "input" => &mut values.input,
                "region" => &mut values.region,
                "crash-policy" => &mut values.crash_policy,
                "token" => &mut values.token,
                "skip-ready-wait" => &mut values.skip_ready_wait,
                _ => {
                    let shown: String = name.chars().take(64).collect();
                    return Err(invalid(format!(
                        "the parameter `{PREFIX}{shown}` is unknown"
                    )));
                }
            };
            if slot.is_some() {
                return Err(ActorError::guard(
                    "query_duplicate_param",
                    format!("the parameter `{PREFIX}{name}` is given more than once"),
                ));
            }
            let value = percent::decode(raw, Plus::Space).ok_or_else(|| {
                ActorError::guard(
                    "query_invalid_percent_encoding",
                    format!("the parameter `{PREFIX}{name}` is not percent-encoded UTF-8"),
                )
            })?;
            *slot = Some(value);
        }
        Ok(values)
    }

    /// Some parameters are about creation: needed there, and refused elsewhere.
    fn check_method(&self, method: Method) -> Result<(), ActorError> {
        let for_creation = [
            ("runner", &self.pool),
            ("input", &self.input),
            ("region", &self.region),
            ("crash-policy", &self.crash_policy),
        ];
        match method {
            Method::GetOrCreate if self.pool.is_none() => Err(ActorError::guard(
                "query_missing_pool",
                "the parameter `rvt-runner` is missing: `getOrCreate` needs it",
            )),
            Method::GetOrCreate => Ok(()),
            Method::Get => match for_creation.iter().find(|(_, value)| value.is_some()) {
                None => Ok(()),
                Some((name, _)) => Err(ActorError::guard(
                    "query_get_disallowed_params",
                    format!("the parameter `{PREFIX}{name}` is not allowed with `get`"),
                )),
            },
        }
    }

    fn key(&self) -> Result<KeySpec, ActorError> {
        match (&self.key, &self.key_storage) {
            (Some(_), Some(_)) => Err(invalid(
                "the parameters `rvt-key` and `rvt-key-storage` exclude each other",
            )),
            (None, Some(storage)) => KeySpec::exact(storage),
            (Some(text), None) => KeySpec::gateway(text),
            (None, None) => KeySpec::gateway(""),
        }
    }

    fn crash_policy(&self) -> Result<Option<CrashPolicy>, ActorError> {
        match self.crash_policy.as_deref() {
            None => Ok(None),
            Some("restart") => Ok(Some(CrashPolicy::Restart)),
            Some("sleep") => Ok(Some(CrashPolicy::Sleep)),
            Some("destroy") => Ok(Some(CrashPolicy::Destroy)),
            Some(_) => Err(bad_value("crash-policy", "`restart`, `sleep` or `destroy`")),
        }
    }

    fn skip_ready_wait(&self) -> Result<bool, ActorError> {
        match self.skip_ready_wait.as_deref() {
            Some("true" | "1") => Ok(true),
            None | Some("false" | "0") => Ok(false),
            Some(_) => Err(bad_value("skip-ready-wait", "`true`, `1`, `false` or `0`")),
        }
    }

    fn input(&self) -> Result<Option<Bytes>, ActorError> {
        let Some(text) = &self.input else {
            return Ok(None);
        };
        let input = URL_SAFE_NO_PAD.decode(&**text).map_err(|error| {
            ActorError::guard(
                "query_invalid_base64_input",
                format!("`rvt-input` is not base64url without padding: {error}"),
            )
        })?;
        if input.len() > limits::INPUT {
            return Err(ActorError::input_too_large(input.len()));
        }
        cbor::validate(&input).map_err(|error| {
            ActorError::guard(
                "query_invalid_cbor_input",
                format!("`rvt-input` is not one CBOR value: {error}"),
            )
        })?;
        Ok(Some(input.into()))
    }
}

fn invalid(message: impl Into<String>) -> ActorError {
    ActorError::guard("query_invalid_params", message)
}

fn missing(name: &str) -> ActorError {
    invalid(format!("the parameter `{PREFIX}{name}` is missing"))
}

fn bad_value(name: &str, allowed: &str) -> ActorError {
    invalid(format!(
        "the parameter `{PREFIX}{name}` has to be {allowed}"
    ))
}
