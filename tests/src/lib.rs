//! The Markdown suite's runner.
