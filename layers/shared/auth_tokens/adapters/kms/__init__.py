"""Key material: wrapped by KMS, unwrapped once per execution environment."""
