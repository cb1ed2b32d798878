"""Where usage events come from: exported files, an account, the demo. Import the module of the source you need."""
