use perf_render::escape::message;
use perf_store::{Size, Store};

use crate::failure::Result;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List so many of the largest series of each environment
    #[arg(long, value_name = "N", default_value = "10")]
    series: usize,
    /// Print JSON, with every series
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, store: &Store) -> Result<()> {
    let sizes = store.sizes()?;
    if args.json {
        let all: Vec<_> = sizes.iter().map(|(fingerprint, size)| json(fingerprint.as_str(), size)).collect();
        return output::print_json(&serde_json::json!({"schema": 1, "environments": all}));
    }
    let mut text = String::new();
    for (fingerprint, size) in &sizes {
        text += &of_environment(fingerprint.as_str(), size, args.series);
    }
    output::print(&text)
}

fn of_environment(fingerprint: &str, size: &Size, shown: usize) -> String {
    let mut text = format!(
        "{fingerprint}  {}, {}, {}\n",
        output::counted(size.commits, "commit"),
        output::counted(size.lines, "line"),
        output::counted(size.readings, "reading")
    );
    text += &format!("  {:>12} bytes as they are read\n", size.bytes);
    text += &format!("  {:>12} bytes on disk\n", size.on_disk);
    text += &format!("  {:>12} bytes on disk with their history\n", size.with_history);
    for (series, (bytes, readings)) in largest(size).into_iter().take(shown) {
        text += &format!(
            "  {bytes:>12} bytes, {}, of {}\n",
            output::counted(readings, "reading"),
            message(series)
        );
    }
    if let Some(more @ 1..) = size.series.len().checked_sub(shown) {
        text += &format!("  {:>12} more series (--series, --json)\n", more);
    }
    text
}

fn largest(size: &Size) -> Vec<(&str, (usize, usize))> {
    let mut series: Vec<_> = size.series.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    series.sort_by_key(|(name, (bytes, _))| (std::cmp::Reverse(*bytes), *name));
    series
}

fn json(fingerprint: &str, size: &Size) -> serde_json::Value {
    let series = |(series, (bytes, readings)): (&str, (usize, usize))| serde_json::json!({"series": series, "bytes": bytes, "readings": readings});
    serde_json::json!({
        "fingerprint": fingerprint,
        "commits": size.commits,
        "lines": size.lines,
        "readings": size.readings,
        "bytes": size.bytes,
        "disk": size.on_disk,
        "disk_with_history": size.with_history,
        "series": largest(size).into_iter().map(series).collect::<Vec<_>>(),
    })
}
