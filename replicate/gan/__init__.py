"""The paper's own: the latent code, the networks, the lower bounds, the game between G, Q and D, and a run of it."""
