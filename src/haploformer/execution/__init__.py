"""How a plan of predictions is carried out: here or on a cluster, told before it starts and while it goes on."""
