"""What people can ask of the virtual machine service. Views call one of these, and nothing else."""
