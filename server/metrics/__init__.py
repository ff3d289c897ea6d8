"""What a process counts and times of its calls: for Prometheus, and as OpenTelemetry's traces."""
