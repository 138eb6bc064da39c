window.BENCHMARK_DATA = {"lastUpdate": 3, "repoUrl": "https://example.org/o/r", "entries": {
        "Go": [
            {"commit": {"id": "1111111111111111111111111111111111111111"}, "date": 1, "tool": "go",
             "benches": [{"name": "BenchmarkA", "value": 10, "unit": "ns/op"}]},
            {"commit": {"id": "2222222222222222222222222222222222222222"}, "date": 2, "tool": "go",
             "benches": [{"name": "BenchmarkA", "value": 12, "unit": "ns/op", "extra": "9 times"}]}],
        "Score": [
            {"commit": {"id": "2222222222222222222222222222222222222222"}, "date": 2, "tool": "customBiggerIsBetter",
             "benches": [{"name": "s", "value": 5, "unit": "points"}, {"name": "t", "value": null, "unit": "points"}]}]}};
