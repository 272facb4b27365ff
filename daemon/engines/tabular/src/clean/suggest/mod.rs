//! x
use std::path::Path;
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::Suggestions;
/// x
pub fn suggest(_p: &Profile, _d: &Path) -> Suggestions { Suggestions { steps: vec![], models: vec![] } }
