//! Landlock: which files can be opened. Needs Linux 5.13; later versions of the kernel refuse more.
#![allow(unsafe_code)]

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    make_bitflags,
};

/// The newest version whose rights are known here; the crate leaves out what the kernel does not know.
const NEWEST: ABI = ABI::V9;

/// Everything that landlock can refuse is refused, but reading `read` and reading and writing beneath `write`.
pub(super) fn confine(read: &[&Path], write: Option<&Path>) -> Result<String, String> {
    // Opened first: a path that is missing is the caller's mistake, not the kernel's lack.
    let read = read.iter().map(|path| open(path)).collect::<Result<Vec<_>, _>>()?;
    let write = write.map(open).transpose()?;
    Ok(match restrict(read, write) {
        Ok(text) => text,
        Err(e) => format!("no landlock ({e})"),
    })
}

fn open(path: &Path) -> Result<PathFd, String> {
    PathFd::new(path).map_err(|e| format!("{} can't be opened: {e}", path.display()))
}

fn restrict(read: Vec<PathFd>, write: Option<PathFd>) -> Result<String, RulesetError> {
    let mut rules: RulesetCreated = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for path in read {
        // The crate drops `ReadDir` where the path is a file.
        rules = rules.add_rule(PathBeneath::new(path, make_bitflags!(AccessFs::{ReadFile | ReadDir})))?;
    }
    if let Some(folder) = write {
        rules = rules.add_rule(PathBeneath::new(folder, writing()))?;
    }
    let status = rules.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _)
        | (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => {
            "no landlock (kernel)".to_owned()
        }
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            format!("landlock abi {}", kernel_abi.unwrap_or(effective_abi as i32))
        }
    })
}

/// What the output folder is for: plain files and folders. No devices, sockets, pipes, links or programs.
fn writing() -> BitFlags<AccessFs> {
    make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | RemoveFile | RemoveDir | MakeReg | MakeDir | Refer
    })
}

/// The kernel's version of landlock.
pub(super) fn abi() -> Option<i32> {
    /// `LANDLOCK_CREATE_RULESET_VERSION` of linux/landlock.h: tells the version and makes no rule set.
    const VERSION: libc::c_long = 1;
    // SAFETY: with this flag the call takes a null pointer and size 0, and touches no memory (landlock(7)).
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0usize, VERSION)
    };
    i32::try_from(version).ok().filter(|v| *v > 0)
}
