//! The workflow definition: its data, its checker, its templates, and YAML and JSON with positions
