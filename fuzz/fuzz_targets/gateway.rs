//! Gateway URLs, as they come out of a request line.

#![no_main]

use greenroom_types::{
    cbor,
    gateway::{GatewayRequest, GatewayTarget, Method},
    limits,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &str| {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let parsed = match GatewayRequest::parse(path, query) {
        Ok(parsed) => parsed,
        Err(error) => {
            let group = (&*error.group, error.code.starts_with("query_"));
            assert!(
                matches!(group, ("guard", true) | ("actor", false)),
                "{error:?}"
            );
            return;
        }
    };
    let is_gateway = path.starts_with("/gateway/") && !path.contains("//");
    let Some(request) = parsed else {
        assert!(!is_gateway || path == "/gateway/" || path.starts_with("/gateway//"));
        return;
    };
    assert!(is_gateway);
    assert!(request.path.starts_with('/'));
    assert!(path.ends_with(request.path) || request.path == "/");
    match &request.target {
        GatewayTarget::Id { .. } => assert_eq!(request.query.as_deref(), query),
        GatewayTarget::Query(by_key) => {
            assert!(by_key.pool.is_some() || by_key.method == Method::Get);
            if let Some(input) = &by_key.input {
                assert!(input.len() <= limits::INPUT);
                cbor::validate(input).expect("an input is one well-formed value");
            }
            for key in by_key.key.candidates() {
                assert!(key.to_storage().len() <= limits::KEY_TOTAL);
            }
            // Nothing that is ours is left for the actor, however it is spelt.
            let rest = GatewayRequest::parse("/gateway/x", request.query.as_deref());
            let rest = rest
                .expect("an id is asked for")
                .expect("it is a gateway path");
            assert!(matches!(rest.target, GatewayTarget::Id { .. }));
        }
    }
});
