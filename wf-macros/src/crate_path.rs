//! What wf-core is called in the crate that is compiled.

use std::path::{Path, PathBuf};

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// The path of wf-core: `::wf_core`, unless the manifest renames the dependency.
pub(crate) fn crate_path() -> TokenStream {
    let name = renamed().unwrap_or_else(|| "wf_core".to_owned());
    match syn::parse_str::<Ident>(&name) {
        Ok(mut name) => {
            name.set_span(Span::call_site());
            quote!(::#name)
        }
        Err(_) => quote!(::wf_core),
    }
}

fn renamed() -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let manifest = |folder: &Path| std::fs::read_to_string(folder.join("Cargo.toml")).ok();
    let own = manifest(&folder)?;
    if let Some(name) = renamed_in(&own) {
        return Some(name);
    }
    // A dependency that is inherited is renamed in the workspace's manifest.
    let parents = folder.ancestors().skip(1);
    let mut names = parents.filter_map(|folder| renamed_in(&manifest(folder)?));
    names.find(|name| depends_on(&own, name))
}

/// Whether a manifest has a dependency of that name, written with `-` or `_`.
fn depends_on(manifest: &str, name: &str) -> bool {
    manifest.lines().any(|line| {
        let key = line
            .trim()
            .split(['=', '.', ' '])
            .next()
            .unwrap_or_default();
        key.trim_matches('"').replace('-', "_") == name
    })
}

/// The name under which a manifest has wf-core, when it is another.
fn renamed_in(manifest: &str) -> Option<String> {
    let mut table = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            table = line.trim_start_matches('[').split(']').next().unwrap_or("");
            continue;
        }
        // A string stands in quotes of either kind.
        let compact: String = line.split_whitespace().collect();
        let compact = compact.replace('\'', "\"");
        let name = if compact.starts_with("package=\"wf-core\"") {
            // `[dependencies.name]`
            table.rsplit_once("dependencies.").map(|(_, name)| name)
        } else if compact.contains("package=\"wf-core\"") {
            // `name = { package = "wf-core" }` or `name.package = "wf-core"`
            line.split(['=', '.']).next()
        } else {
            None
        };
        if let Some(name) = name.filter(|_| table != "package") {
            return Some(name.trim().trim_matches('"').replace('-', "_"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_dependency_is_found_however_it_is_written() {
        let inline =
            "[dependencies]\nserde = \"1\"\nmy-flow = { version = \"1\", package = \"wf-core\" }\n";
        assert_eq!(renamed_in(inline).as_deref(), Some("my_flow"));
        let table =
            "[target.'cfg(unix)'.dependencies.flow]\nversion = \"1\"\npackage = \"wf-core\"\n";
        assert_eq!(renamed_in(table).as_deref(), Some("flow"));
        let dotted = "[dependencies]\nflow.package = \"wf-core\"\n";
        assert_eq!(renamed_in(dotted).as_deref(), Some("flow"));
        let plain = "[package]\nname = \"host\"\n[dependencies]\nwf-core = \"1\"\n";
        assert_eq!(renamed_in(plain), None);
    }

    #[test]
    fn a_name_is_inherited_only_where_it_is_used() {
        let inherits = "[dependencies]\nmy-flow.workspace = true\n";
        assert!(depends_on(inherits, "my_flow"));
        assert!(!depends_on("[dependencies]\nwf-core = \"1\"\n", "my_flow"));
    }
}
