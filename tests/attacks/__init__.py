"""What strangers try, through HTTP and sockets."""
