use crate::sandbox::{Sandbox, output};

fn message(sandbox: &Sandbox, args: &[&str]) -> String {
    let ended = sandbox.perf(&[&["badge", "--output", "endpoint"][..], args].concat());
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{args:?}");
    assert_eq!(ended.json()["schemaVersion"], 1);
    ended.json()["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_badge_tells_the_last_comparison_or_the_newest_baseline() {
    let sandbox = Sandbox::new();
    assert_eq!(message(&sandbox, &[]), "never measured");
    sandbox.measure(&[("parse", 100.0), ("lex", 5.0), ("link", 9.0)]);
    let short = |sandbox: &Sandbox| sandbox.git(&["rev-parse", "HEAD"])[..7].to_owned();
    let base = short(&sandbox);
    assert_eq!(message(&sandbox, &["--at", "2026-01-05"]), format!("measured at {base}, 3 days ago"));
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 200.0), ("lex", 5.0), ("link", 9.0)]);
    let head = short(&sandbox);
    assert_eq!(sandbox.perf(&["compare", "--output", "json=../report.json"]).status, 1);
    let args = ["--report", "../report.json", "--at", "2026-01-03T01:00:00Z"];
    assert_eq!(message(&sandbox, &args), format!("regressed at {head}, 1 day ago"));
    let images = ["--report", "../report.json", "--at", "2026-01-03", "--output", "svg=../a.svg"];
    let write = |images: &[&str]| {
        assert_eq!(sandbox.perf(&[&["badge"][..], images].concat()).status, 0);
        std::fs::read_to_string(sandbox.path("a.svg")).unwrap()
    };
    let image = write(&images);
    assert_eq!(image, write(&images), "the same badge has the same bytes");
    assert!(
        image.starts_with("<svg ") && image.contains(&format!("regressed at {head}, 1 day ago")),
        "{image}"
    );
    assert!(
        !image.contains("href") && image.matches("http").count() == 1,
        "only the name of SVG itself: {image}"
    );
    assert_eq!(sandbox.perf(&["compare", "--against", "HEAD", "--output", "json=../same.json"]).status, 0);
    assert!(message(&sandbox, &["--report", "../same.json"]).starts_with("pass at "));
}

#[test]
fn a_label_and_a_report_are_hostile() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let label = "\"/><script>alert(1)</script>\u{1b}[2J";
    let ended = sandbox.perf(&["badge", "--label", label]);
    assert!(!ended.stdout.contains("<script") && !ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    for report in ["", "{}", "[]", r#"{"status": "great", "head": {}, "sections": []}"#] {
        sandbox.write("report.json", report);
        let ended = sandbox.perf(&["badge", "--report", "../report.json"]);
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""), "{report}: {}", ended.stderr);
    }
}
