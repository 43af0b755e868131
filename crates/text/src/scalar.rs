//! What a plain scalar means to its consumer: YAML 1.1 (Kubernetes, Compose, Ansible) and plain
//! decimal numbers. Pure functions over text.
