"""Many runs: how they are made on one machine or a cluster."""
