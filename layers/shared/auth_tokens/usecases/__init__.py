"""What the service does: one public function a file, each the boundary of its transaction."""
