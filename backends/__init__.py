"""Reference microservices, each runnable alone; they speak HTTP and import nothing of ours."""
