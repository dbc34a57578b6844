//! What the server says about itself, and files.

use crate::harness::{site, site_with};

#[tokio::test]
async fn health_metadata_and_banner_answer() {
    let site = site().await;
    let health = site.get("/health").await;
    assert_eq!(health.status, 200);
    let expected = format!(
        r#"{{"runtime":"greenroom","status":"ok","version":"{}"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(health.text(), expected);
    let metadata = site.get("/metadata?namespace=default").await;
    assert_eq!(
        (metadata.status, metadata.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(metadata.json()["runtime"], "greenroom");
    assert!(metadata.json()["actorNames"]["counter"].is_object());
    let banner = site.get("/").await;
    assert!(
        banner.status == 200 && banner.text().contains("Greenroom"),
        "{banner:?}"
    );
}

#[tokio::test]
async fn wrong_paths_and_methods_are_structured_errors() {
    let site = site().await;
    let cases = [
        ("GET", "/nowhere", "404 guard.no_route"),
        ("POST", "/devtools/mod.js", "404 guard.no_route"),
        ("GET", "/gateway", "404 guard.no_route"),
        ("GET", "/gateway//counter", "404 guard.no_route"),
        ("POST", "/health", "405 actor.method_not_allowed"),
        ("DELETE", "/metadata", "405 actor.method_not_allowed"),
        ("PUT", "/", "405 actor.method_not_allowed"),
        ("PATCH", "/actors", "405 actor.method_not_allowed"),
        ("GET", "/actors/abc/sleep", "405 actor.method_not_allowed"),
        ("GET", "/actors/a/b/c", "404 guard.no_route"),
    ];
    for (method, target, expected) in cases {
        let answer = site.http(method, target, &[], b"").await;
        assert_eq!(answer.gateway_error(), expected, "{method} {target}");
    }
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    let site = site().await;
    let (get, head) = (
        site.get("/health").await,
        site.http("HEAD", "/health", &[], b"").await,
    );
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, get.header("content-length"))
    );
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn files_are_served_and_nothing_beside_them() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("public");
    std::fs::create_dir_all(root.join("sub/.git")).unwrap();
    std::fs::write(outer.path().join("secret"), "secret").unwrap();
    std::fs::write(root.join(".env"), "secret").unwrap();
    std::fs::write(root.join("sub/.git/config"), "secret").unwrap();
    std::fs::write(root.join("index.html"), "<p>home</p>").unwrap();
    std::fs::write(root.join("sub/app.js"), "let x = 1;").unwrap();
    let site = site_with(|config| config.static_dir = Some(root)).await;

    let home = site.get("/").await;
    assert_eq!((home.status, home.text().as_str()), (200, "<p>home</p>"));
    assert_eq!(home.header("content-type"), "text/html");
    let script = site.get("/sub/app.js?v=1").await;
    assert_eq!((script.status, script.text().as_str()), (200, "let x = 1;"));
    assert!(
        script.header("content-type").contains("javascript"),
        "{script:?}"
    );
    assert!(
        site.http("HEAD", "/sub/app.js", &[], b"")
            .await
            .body
            .is_empty()
    );

    for target in [
        "/.env",
        "/%2eenv",
        "/sub/.git/config",
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/sub/..%5c..%5c..%5csecret",
        "/missing.html",
    ] {
        let answer = site.get(target).await;
        assert_eq!(answer.gateway_error(), "404 guard.no_route", "{target}");
    }
    assert_eq!(
        site.http("POST", "/index.html", &[], b"")
            .await
            .gateway_error(),
        "404 guard.no_route"
    );
    // The server's own paths win over files.
    assert_eq!(site.get("/health").await.json()["status"], "ok");
}
