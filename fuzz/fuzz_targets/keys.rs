//! Keys, names and ids: different ones never look alike, and each can be read back.

#![no_main]

use arbitrary::Arbitrary;
use greenroom_types::{ActorId, ActorKey, ActorName, gateway::KeySpec, limits};
use libfuzzer_sys::fuzz_target;

/// Two keys that tend to have parts in common, and a text that may be the form of some.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    shared: Vec<&'a str>,
    left: Vec<&'a str>,
    right: Vec<&'a str>,
    text: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let left = key(&input.shared, &input.left);
    let right = key(&input.shared, &input.right);
    for key in [&left, &right].into_iter().flatten() {
        read_back(key);
    }
    if let (Some(left), Some(right)) = (&left, &right) {
        let same = left.parts() == right.parts();
        assert_eq!(
            left.to_storage() == right.to_storage(),
            same,
            "{left:?} and {right:?}"
        );
        prefixes(left, right);
    }
    texts(input.text);
});

fn key(shared: &[&str], own: &[&str]) -> Option<ActorKey> {
    let parts = shared.iter().chain(own);
    ActorKey::new(parts.map(|part| (*part).to_owned()).collect()).ok()
}

fn read_back(key: &ActorKey) {
    let storage = key.to_storage();
    assert!(storage.len() <= limits::KEY_TOTAL);
    assert_eq!(ActorKey::from_storage(&storage).as_ref(), Ok(key));
    let exact = KeySpec::exact(&storage).expect("it was within the limits");
    assert_eq!(exact.plain(), *key);
    assert!(exact.candidates().eq([key.clone()]));
    // What old clients say for it leads to it, among others.
    let Ok(spec) = KeySpec::gateway(&key.parts().join(",")) else {
        return;
    };
    let candidates: Vec<ActorKey> = spec.candidates().collect();
    assert_eq!(candidates.first(), Some(&spec.plain()));
    assert!(candidates.len() <= limits::KEY_GROUPINGS);
    for (index, candidate) in candidates.iter().enumerate() {
        assert!(
            !candidates[..index].contains(candidate),
            "{candidate:?} comes twice"
        );
    }
    let commas = key.parts().join(",").matches(',').count();
    // So few that there are no more ways to group them than are tried.
    if commas < limits::KEY_GROUPINGS.ilog2() as usize {
        assert!(
            candidates.contains(key),
            "{key:?} is not among {candidates:?}"
        );
    }
}

/// The stores find keys with a prefix by the beginning of their forms, up to and with a `/`.
fn prefixes(prefix: &ActorKey, key: &ActorKey) {
    if prefix.parts().is_empty() {
        return;
    }
    let (form, of_key) = (prefix.to_storage(), key.to_storage());
    let found = of_key == form || of_key.starts_with(&format!("{form}/"));
    assert_eq!(
        found,
        key.parts().starts_with(prefix.parts()),
        "{prefix:?} and {key:?}"
    );
}

fn texts(text: &str) {
    if let Ok(key) = ActorKey::from_storage(text) {
        read_back(&key);
    }
    if let Ok(id) = text.parse::<ActorId>() {
        assert_eq!(id.to_string(), text, "an id has one form");
        assert_eq!(ActorId::from_bytes(*id.as_bytes()), id);
    }
    if let Ok(name) = ActorName::new(text) {
        assert_eq!(name.as_str(), text);
        assert!(
            !text.contains(['/', '@', '\0', '\n']),
            "{text:?} is no name"
        );
    }
}
