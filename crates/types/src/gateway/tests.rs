use proptest::prelude::*;

use super::*;
use crate::{ActorKey, limits};

fn parse(url: &str) -> Option<GatewayRequest<'_>> {
    let (path, query) = split(url);
    GatewayRequest::parse(path, query).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn split(url: &str) -> (&str, Option<&str>) {
    url.split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)))
}

fn query(url: &str) -> GatewayQuery<'_> {
    match parse(url).expect("a gateway URL").target {
        GatewayTarget::Query(query) => *query,
        GatewayTarget::Id { .. } => panic!("{url} is in direct form"),
    }
}

fn key(parts: &[&str]) -> ActorKey {
    ActorKey::new(parts.iter().map(|part| (*part).to_owned()).collect()).expect("within limits")
}

#[test]
fn direct_urls_name_an_id() {
    // URL, id, token, path, query
    type Case = (
        &'static str,
        &'static str,
        Option<&'static str>,
        &'static str,
        Option<&'static str>,
    );
    let cases: &[Case] = &[
        ("/gateway/abc/action/x", "abc", None, "/action/x", None),
        ("/gateway/abc", "abc", None, "/", None),
        ("/gateway/abc/", "abc", None, "/", None),
        (
            "/gateway/a%20b@t%2Fk%40/connect",
            "a b",
            Some("t/k@"),
            "/connect",
            None,
        ),
        ("/gateway/abc@/x", "abc", Some(""), "/x", None),
        (
            "/gateway/a+b/x%2Fy?q=%2F&&a",
            "a+b",
            None,
            "/x%2Fy",
            Some("q=%2F&&a"),
        ),
        ("/gateway/abc/x?", "abc", None, "/x", Some("")),
        (
            "/gateway/abc/x?a=rvt-key",
            "abc",
            None,
            "/x",
            Some("a=rvt-key"),
        ),
    ];
    for (url, id, token, path, query) in cases {
        let target = GatewayTarget::Id {
            id_text: (*id).into(),
            token: token.map(Into::into),
        };
        let expected = GatewayRequest {
            target,
            path,
            query: query.map(Into::into),
        };
        assert_eq!(parse(url), Some(expected), "{url}");
    }
}

#[test]
fn other_paths_are_not_for_the_gateway() {
    for url in [
        "/",
        "/gateway",
        "/gateway/",
        "/gateway//a",
        "/gateway/a//b",
        "/actors",
        "/gatewayx/a",
    ] {
        assert_eq!(parse(url), None, "{url}");
    }
    assert_eq!(parse("/gateway/a//b?rvt-method=get"), None);
}

#[test]
fn query_urls_carry_every_parameter() {
    let url = "/gateway/chat%20room/action/send?a=1&rvt-namespace=default&rvt-method=getOrCreate\
        &rvt-runner=my+pool&b=%2B+&rvt-key=x%2Cy,z&rvt-input=oWF4AQ&rvt-region=eu\
        &rvt-crash-policy=sleep&rvt-token=s%3D&rvt-skip-ready-wait=1&c";
    let request = parse(url).expect("a gateway URL");
    assert_eq!(request.path, "/action/send");
    assert_eq!(request.query.as_deref(), Some("a=1&b=%2B+&c"));
    let query = query(url);
    assert_eq!(query.name.as_str(), "chat room");
    assert_eq!(query.namespace, "default");
    assert_eq!(query.method, Method::GetOrCreate);
    assert_eq!(query.key, KeySpec::Gateway("x,y,z".to_owned()));
    assert_eq!(query.pool.as_deref(), Some("my pool"));
    assert_eq!(query.input.as_deref(), Some(&b"\xa1\x61x\x01"[..]));
    assert_eq!(query.region.as_deref(), Some("eu"));
    assert_eq!(query.crash_policy, Some(CrashPolicy::Sleep));
    assert_eq!(query.token.as_deref(), Some("s="));
    assert!(query.skip_ready_wait);
}

#[test]
fn a_get_needs_only_namespace_and_method() {
    let url = "/gateway/room/connect?rvt-namespace=default&rvt-method=get";
    let request = parse(url).expect("a gateway URL");
    assert_eq!((request.path, request.query), ("/connect", None));
    let query = query(url);
    assert_eq!(query.method, Method::Get);
    assert_eq!(query.key, KeySpec::Gateway(String::new()));
    assert_eq!((query.pool, query.input, query.token), (None, None, None));
    assert!(!query.skip_ready_wait);
    let bare = parse("/gateway/room?rvt-namespace=n&rvt-method=get&rvt-skip-ready-wait=false");
    assert_eq!(bare.expect("a gateway URL").path, "/");
}

#[test]
fn disguised_parameters_are_stripped_too() {
    let url = "/gateway/room/x?rvt%2Dnamespace=n&%72vt-method=get&%zz=1";
    assert_eq!(
        parse(url).expect("a gateway URL").query.as_deref(),
        Some("%zz=1")
    );
}

#[test]
fn mistakes_in_the_query_have_their_codes() {
    let create = "rvt-namespace=n&rvt-method=getOrCreate&rvt-runner=p";
    let get = "rvt-namespace=n&rvt-method=get";
    let long_key = "x".repeat(limits::KEY_PART + 1);
    let cases = [
        (
            "guard.query_invalid_params",
            "/gateway/r/x?rvt-method=get".to_owned(),
        ),
        (
            "guard.query_invalid_params",
            "/gateway/r/x?rvt-namespace=n".to_owned(),
        ),
        (
            "guard.query_invalid_params",
            "/gateway/r/x?rvt-namespace=n&rvt-method=put".to_owned(),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r/x?{get}&rvt-foo=1"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r/x?{get}&rvt-"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r/x?{get}&rvt-skip-ready-wait=yes"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r/x?{create}&rvt-crash-policy=panic"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r/x?{get}&rvt-key=a&rvt-key-storage=a"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/r%40x/x?{get}"),
        ),
        (
            "guard.query_invalid_params",
            format!("/gateway/{}/x?{get}", "n".repeat(65)),
        ),
        (
            "guard.query_duplicate_param",
            format!("/gateway/r/x?{get}&rvt-namespace=n"),
        ),
        (
            "guard.query_duplicate_param",
            format!("/gateway/r/x?{create}&rvt-pool=p"),
        ),
        (
            "guard.query_missing_pool",
            "/gateway/r/x?rvt-namespace=n&rvt-method=getOrCreate".to_owned(),
        ),
        (
            "guard.query_get_disallowed_params",
            format!("/gateway/r/x?{get}&rvt-runner=p"),
        ),
        (
            "guard.query_get_disallowed_params",
            format!("/gateway/r/x?{get}&rvt-pool=p"),
        ),
        (
            "guard.query_get_disallowed_params",
            format!("/gateway/r/x?{get}&rvt-input=AA"),
        ),
        (
            "guard.query_get_disallowed_params",
            format!("/gateway/r/x?{get}&rvt-region=eu"),
        ),
        (
            "guard.query_get_disallowed_params",
            format!("/gateway/r/x?{get}&rvt-crash-policy=sleep"),
        ),
        (
            "guard.query_path_token_syntax",
            format!("/gateway/r@t/x?{get}"),
        ),
        ("guard.query_empty_actor_name", format!("/gateway/?{get}")),
        (
            "guard.query_empty_actor_name",
            format!("/gateway/?{create}"),
        ),
        (
            "guard.query_invalid_base64_input",
            format!("/gateway/r/x?{create}&rvt-input=oWF4AQ=="),
        ),
        (
            "guard.query_invalid_base64_input",
            format!("/gateway/r/x?{create}&rvt-input=*"),
        ),
        (
            "guard.query_invalid_cbor_input",
            format!("/gateway/r/x?{create}&rvt-input="),
        ),
        (
            "guard.query_invalid_cbor_input",
            format!("/gateway/r/x?{create}&rvt-input=oWF4"),
        ),
        (
            "guard.query_invalid_cbor_input",
            format!("/gateway/r/x?{create}&rvt-input=AAA"),
        ),
        (
            "guard.query_invalid_percent_encoding",
            format!("/gateway/r%4/x?{get}"),
        ),
        (
            "guard.query_invalid_percent_encoding",
            format!("/gateway/r/x?{get}&rvt-key=%zz"),
        ),
        (
            "guard.query_invalid_percent_encoding",
            format!("/gateway/r/x?{get}&rvt-key=%ff"),
        ),
        (
            "guard.query_invalid_percent_encoding",
            "/gateway/r%ff/x".to_owned(),
        ),
        (
            "actor.key_too_large",
            format!("/gateway/r/x?{get}&rvt-key={long_key}"),
        ),
        (
            "actor.key_too_large",
            format!("/gateway/r/x?{get}&rvt-key-storage={long_key}"),
        ),
        (
            "actor.key_too_large",
            format!("/gateway/r/x?{get}&rvt-key={}", "a,".repeat(600)),
        ),
    ];
    for (expected, url) in &cases {
        let (path, query) = split(url);
        let error = GatewayRequest::parse(path, query).expect_err(url);
        assert_eq!(
            format!("{}.{}", error.group, error.code),
            *expected,
            "{url}"
        );
    }
}

#[test]
fn ambiguous_keys_list_their_candidates_likeliest_first() {
    let cases: &[(&str, &[&[&str]])] = &[
        ("", &[&[], &[""]]),
        ("a", &[&["a"]]),
        ("a,b", &[&["a", "b"], &["a,b"]]),
        (",", &[&["", ""], &[","]]),
        (
            "a,b,c",
            &[&["a", "b", "c"], &["a,b,c"], &["a,b", "c"], &["a", "b,c"]],
        ),
        (
            "a,b,c,d",
            &[
                &["a", "b", "c", "d"],
                &["a,b,c,d"],
                &["a,b", "c", "d"],
                &["a", "b,c", "d"],
                &["a", "b", "c,d"],
                &["a,b,c", "d"],
                &["a,b", "c,d"],
                &["a", "b,c,d"],
            ],
        ),
    ];
    for (text, expected) in cases {
        let spec = KeySpec::gateway(text).expect("within limits");
        let expected: Vec<_> = expected.iter().map(|parts| key(parts)).collect();
        assert_eq!(spec.candidates().collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(spec.plain(), expected[0]);
    }
}

#[test]
fn a_key_that_can_be_read_in_one_way_is_exact() {
    let exact = |text| KeySpec::gateway(text) == Ok(KeySpec::Exact(key(&[text])));
    assert!(exact("a") && exact("a/b") && exact("a b%2C"));
    assert!(!exact("a,b") && !exact(""));
}

#[test]
fn candidates_are_bounded() {
    let text = vec!["a"; 200].join(",");
    let spec = KeySpec::gateway(&text).expect("within limits");
    // The second reading, everything as one part, is over the limit of a part.
    assert_eq!(spec.candidates().count(), limits::KEY_GROUPINGS - 1);
    assert_eq!(spec.candidates().next(), Some(spec.plain()));
}

#[test]
fn storage_keys_are_exact() {
    let url = "/gateway/r/x?rvt-namespace=n&rvt-method=get&rvt-key-storage=a,b%2F%5C0";
    let spec = query(url).key;
    assert_eq!(spec, KeySpec::Exact(key(&["a,b", ""])));
    assert_eq!(spec.candidates().collect::<Vec<_>>(), [key(&["a,b", ""])]);
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-c,/]{0,4}"]
}

proptest! {
    /// Whatever key an old client joins with commas, the actor is found.
    #[test]
    fn every_small_key_is_among_its_candidates(parts in prop::collection::vec(part(), 0..4)) {
        let text = parts.join(",");
        prop_assume!(text.matches(',').count() <= 6);
        let spec = KeySpec::gateway(&text).expect("within limits");
        let candidates: Vec<_> = spec.candidates().collect();
        let wanted = ActorKey::new(parts).expect("within limits");
        prop_assert!(candidates.contains(&wanted));
        let different: std::collections::BTreeSet<_> = candidates.iter().collect();
        prop_assert_eq!(different.len(), candidates.len());
    }

    #[test]
    fn random_urls_never_panic(
        path in "/gateway/[a-z%@/0-9]{0,20}",
        query in prop::option::of("((rvt-(namespace=n|method=get|method=getOrCreate|runner=p|key=[a,%+]{0,9}\
            |input=[A-Za-z]{0,8}|key-storage=[a/%5C]{0,9}|zz)|[a-z%=]{0,5})&){0,6}"),
    ) {
        if let Ok(Some(request)) = GatewayRequest::parse(&path, query.as_deref()) {
            prop_assert!(request.path.starts_with('/'));
            prop_assert!(!request.query.unwrap_or_default().contains("rvt-"));
        }
    }
}
