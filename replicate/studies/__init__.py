"""Many runs: which there are, how they are made on one machine or a cluster, and their evidence computed again."""
