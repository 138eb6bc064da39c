use crate::failure::Failure;

/// Subcommands of the Linux profiler that ours does not have.
const PROFILER: &[&str] = &[
    "annotate",
    "bench",
    "buildid-cache",
    "c2c",
    "data",
    "diff",
    "evlist",
    "ftrace",
    "inject",
    "kmem",
    "kvm",
    "list",
    "lock",
    "mem",
    "probe",
    "record",
    "report",
    "sched",
    "script",
    "stat",
    "timechart",
    "top",
    "trace",
];

/// Global options of ours whose value stands behind them.
const WITH_VALUE: &[&str] = &["-C", "--color"];

/// Recognises a call that was meant for the Linux profiler.
pub(crate) fn mistaken_for(mut args: impl Iterator<Item = String>) -> Option<Failure> {
    let first = loop {
        let arg = args.next()?;
        match arg.as_str() {
            option if WITH_VALUE.contains(&option) => drop(args.next()),
            option if option.starts_with('-') => {}
            _ => break arg,
        }
    };
    PROFILER.contains(&first.as_str()).then(|| {
        Failure::new(format!(
            "`perf {first}` is a command of the Linux profiler; this `perf` keeps performance baselines in git notes"
        ))
        .hint("`/usr/bin/perf` is where most distributions install the profiler; `perf --help` lists our commands")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_profilers_own_commands_are_taken_for_it() {
        let mistaken = |args: &[&str]| mistaken_for(args.iter().map(ToString::to_string)).is_some();
        assert!(mistaken(&["stat", "-e", "cycles", "true"]));
        assert!(mistaken(&["--no-pager", "record"]));
        for ours in [&["compare"][..], &["store", "diff"], &["--version"], &["-C", "data", "compare"], &[]] {
            assert!(!mistaken(ours), "{ours:?}");
        }
    }
}
