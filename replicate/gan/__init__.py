"""The paper's own: settings, the latent code, the networks, the lower bounds, the training step, and a run of it."""
