//! That the checks find what is planted, and do not take silence for an answer.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
};

use super::{Verdict, crate_advisories, crate_rules, npm_advisories, read_report};
use crate::process;

#[test]
fn only_a_report_counts() {
    let report = r#"{ "auditReportVersion": 2, "vulnerabilities": {} }"#;
    assert_eq!(read_report(report, true), Verdict::Clean);
    assert_eq!(read_report(report, false), Verdict::Found);
    let refused = r#"{ "message": "405 Method Not Allowed", "error": { "summary": "" } }"#;
    for (said, why) in [
        (refused, "405"),
        (r#"{ "error": { "summary": "offline" } }"#, "offline"),
        ("", "no report"),
        ("<html>", "no report"),
    ] {
        for success in [true, false] {
            let Verdict::NotChecked(reason) = read_report(said, success) else {
                panic!("{said} is no report");
            };
            assert!(reason.contains(why), "{reason}");
        }
    }
}

/// What a registry says of the planted package, by how bad it is.
fn advisory(severity: &str) -> String {
    format!(
        r#"{{"planted":[{{"id":1,"url":"http://localhost/1","title":"planted","severity":"{severity}","vulnerable_versions":"<2.0.0"}}]}}"#
    )
}

/// Runs the check in a folder whose lockfile has the package `planted`, with a registry that says `advisories`.
fn audit_with(advisories: String) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = r#"{"name":"program","version":"1.0.0","dependencies":{"planted":"1.0.0"}}"#;
    let lock = r#"{"name":"program","version":"1.0.0","lockfileVersion":3,"packages":{
        "":{"name":"program","version":"1.0.0","dependencies":{"planted":"1.0.0"}},
        "node_modules/planted":{"version":"1.0.0"}}}"#;
    fs::write(folder.path().join("package.json"), manifest).expect("a file");
    fs::write(folder.path().join("package-lock.json"), lock).expect("a file");
    let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = registry.local_addr().expect("it is bound");
    // It goes with the process.
    thread::spawn(move || {
        for stream in registry.incoming().flatten() {
            let advisories = advisories.clone();
            thread::spawn(move || answer(stream, &advisories));
        }
    });
    let mut npm = process::npm();
    npm.current_dir(folder.path())
        .env("npm_config_registry", format!("http://{address}/"))
        .env("npm_config_cache", folder.path().join("cache"));
    npm_advisories(npm, "the test").expect("npm starts")
}

/// Answers one request: advisories when they are asked for, else that there is nothing.
fn answer(stream: TcpStream, advisories: &str) {
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if first.is_empty() {
            first.clone_from(&line);
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let (status, body) = match first.contains("/advisories/bulk") {
        true => ("200 OK", advisories),
        false => ("404 Not Found", "{}"),
    };
    let _ = write!(
        &stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
}

#[test]
fn a_planted_npm_package_is_found() {
    assert_eq!(audit_with(advisory("critical")), Verdict::Found);
    assert_eq!(audit_with(advisory("high")), Verdict::Found);
    assert_eq!(audit_with(advisory("low")), Verdict::Clean);
    assert_eq!(audit_with("{}".to_owned()), Verdict::Clean);
}

/// A `cargo` that has a `cargo-deny` which says that what it is asked for as `bad` is bad.
#[cfg(unix)]
fn cargo_with(folder: &Path, bad: &str) -> impl Fn() -> Command {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("cargo-deny");
    let script = format!("#!/bin/sh\ncase \"$*\" in *{bad}*) exit 2;; esac\n");
    fs::write(&program, script).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", folder.display());
    move || {
        let mut cargo = process::cargo();
        cargo.env("PATH", &path);
        cargo
    }
}

#[cfg(unix)]
#[test]
fn what_cargo_deny_finds_fails_and_what_it_cannot_fetch_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let verdicts = |bad: &str| {
        let cargo = cargo_with(folder.path(), bad);
        let rules = crate_rules(&cargo).expect("it starts");
        (rules, crate_advisories(&cargo).expect("it starts"))
    };
    assert_eq!(verdicts("nothing"), (Verdict::Clean, Verdict::Clean));
    assert_eq!(verdicts("licenses"), (Verdict::Found, Verdict::Clean));
    assert_eq!(verdicts("advisories"), (Verdict::Clean, Verdict::Found));
    let (rules, Verdict::NotChecked(why)) = verdicts("fetch\\ db") else {
        panic!("without a database there is no verdict");
    };
    assert_eq!(rules, Verdict::Clean);
    assert!(why.contains("cannot be fetched"), "{why}");
    let (Verdict::NotChecked(why), _) = verdicts("version") else {
        panic!("without the program there is no verdict");
    };
    assert!(why.contains("not installed"), "{why}");
}
