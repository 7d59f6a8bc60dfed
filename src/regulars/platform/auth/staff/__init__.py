"""Staff: who they are, what their roles allow, and how they prove that it is they."""
