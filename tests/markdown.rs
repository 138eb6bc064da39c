//! The report for a comment, set by a real renderer of GitHub flavoured Markdown.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, skipped};

/// One name or more of every class that has broken a comment somewhere.
const HOSTILE: &[&str] = &[
    "a|b|c",
    r"a\|b",
    r"ends\",
    "tick`tick",
    "```\nfence\n```",
    "line1\r\n| x | y |\n|---|---|",
    "\n\n# Approved\n\n> [!NOTE]",
    "[click](https://example.invalid/x) ![b](https://example.invalid/p.png)",
    "https://example.invalid/ www.example.invalid a@example.invalid",
    "@user fixes #1 GH-1 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "</table></details><script>alert(1)</script><!-- perf -->",
    "--> <!-- perf",
    "<img src=x onerror=alert(1)>",
    "$`x`$ &lt; &#64;",
    "\u{1b}[2J\u{1b}]8;;https://example.invalid\u{1b}\\ok",
    "bench\u{202e}gnp.exe\u{2066}",
    "zero\u{200b}width\u{feff}",
    "::error file=a,line=1::owned",
    "- [x] reviewed",
    "/approve\n/merge",
];

/// How many elements of each name and how many cells of each row the renderer makes, and what stands outside of code.
const RENDER: &str = r#"
import sys, json, cmarkgfm
from cmarkgfm.cmark import Options
from html.parser import HTMLParser
class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.rows, self.open, self.text = {}, [], [], ""
    def handle_starttag(self, tag, attributes):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if tag == "tr": self.rows.append(0)
        if tag in ("td", "th"): self.rows[-1] += 1
        if tag != "br": self.open.append(tag)
    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag: pass
    def handle_data(self, data):
        if not {"code", "pre"} & set(self.open): self.text += data
page = Page()
page.feed(cmarkgfm.github_flavored_markdown_to_html(sys.stdin.read(), options=Options.CMARK_OPT_UNSAFE))
print(json.dumps({"tags": page.tags, "rows": page.rows, "text": page.text, "open": page.open}))
"#;

fn rendered(markdown: &str) -> Value {
    let mut child = Command::new("python3")
        .args(["-c", RENDER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(markdown.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The report on so many series, of which every fifth is twice as slow; names and units are hostile, and the branch's
/// subject is.
fn report(series: usize) -> String {
    let sandbox = Sandbox::new();
    let record = |level: f64| {
        let benchmarks: Vec<Value> = (0..series)
            .map(|n| {
                let name = format!("{n:04} {}", HOSTILE[n % HOSTILE.len()]);
                let level = if n % 5 == 0 { level } else { 100.0 };
                let unit = if n % 3 == 0 { HOSTILE[n / 3 % HOSTILE.len()] } else { "ns" };
                json!({"name": name, "metric": "time", "better": "lower", "unit": unit, "samples": [level, level * 1.001]})
            })
            .collect();
        sandbox.record(&json!({"benchmarks": benchmarks}).to_string());
    };
    [99.9, 100.1, 100.0].into_iter().for_each(&record);
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    sandbox.commit(HOSTILE[7]);
    [199.9, 200.1, 200.0].into_iter().for_each(&record);
    let ended = sandbox.perf(&["compare", "--output", "markdown"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (1, ""));
    ended.stdout
}

#[test]
fn a_thousand_hostile_series_are_one_table_and_nothing_else() {
    let found = Command::new("python3").args(["-c", "import cmarkgfm"]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        skipped("python3 has no cmarkgfm, so that no report was rendered");
        return;
    }
    for (series, all) in [(40, true), (1_000, false)] {
        let markdown = report(series);
        assert!(markdown.len() <= 65_536, "{} bytes", markdown.len());
        let marked = markdown.lines().filter(|line| line.starts_with("<!-- perf -->")).count();
        assert_eq!(marked, 1, "only our own line is the marker");
        let page = rendered(&markdown);
        let tags = page["tags"].as_object().unwrap();
        for tag in tags.keys() {
            let ours = [
                "blockquote",
                "br",
                "code",
                "details",
                "em",
                "li",
                "p",
                "pre",
                "strong",
                "sub",
                "summary",
                "table",
                "tbody",
                "td",
                "th",
                "thead",
                "tr",
                "ul",
            ];
            assert!(ours.contains(&tag.as_str()), "{series}: <{tag}>");
        }
        assert_eq!((&tags["table"], &tags["blockquote"]), (&json!(1), &json!(1)), "{series}");
        assert_eq!(page["open"], json!([]), "{series}: every element ends");
        let rows = page["rows"].as_array().unwrap();
        assert!(rows.iter().all(|cells| *cells == rows[0]), "{series}: {rows:?}");
        let written =
            markdown.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| :")).count();
        assert_eq!(rows.len(), written, "{series}: a line is a row");
        assert!(if all { written == series / 5 + 1 } else { written > 50 }, "{series}: {written} rows");
        let text = page["text"].as_str().unwrap();
        for forged in
            ["@user", "https://", "www.", "#1 ", "GH-1", "deadbeef", "Approved", "::error", "/merge"]
        {
            assert!(!text.contains(forged), "{series}: {forged} outside of code: {text}");
        }
    }
}
