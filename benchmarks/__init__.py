"""Where the figures come from; README.md says what each script measures. No test runs them."""
