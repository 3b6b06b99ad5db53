"""weightlens beside its peers, on the same work in the same run: ``python -m benchmarks`` writes ``docs/performance.md``."""
