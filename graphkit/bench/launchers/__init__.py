"""Where jobs run besides this machine: arrays of a SLURM cluster, or the machines of a Ray cluster."""
