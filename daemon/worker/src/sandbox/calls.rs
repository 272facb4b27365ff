//! Seccomp: which calls are refused. A list of what no parser needs rather than of what one may use: an engine that
//! meets a new call of its C library then goes on working, and files are guarded by Landlock besides.
#![allow(unsafe_code)]

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Refused with EPERM, whatever the arguments.
const REFUSED: &[libc::c_long] = &[
    // Talking to anything outside.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // New programs and processes. Threads are made with clone, below.
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    // Leaving the process group, by which the daemon ends a child.
    libc::SYS_setsid,
    libc::SYS_setpgid,
    // Reaching into other processes. `kill` and `tgkill` reach only this one, below.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_tkill,
    libc::SYS_kcmp,
    // Modes, owners, times and attributes, which Landlock leaves alone.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_utimensat,
    // Other views of the file system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Parts of the kernel with a long record of flaws.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_personality,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// The same number on every architecture since Linux 6.6; libc lacks it for some.
const SYS_FCHMODAT2: libc::c_long = 452;

/// The part of a socket's type that is its kind, without flags (socket(2)).
const SOCK_KIND: u64 = 0xf;

/// Installs the filters on the calling thread; threads that it makes inherit them.
pub(super) fn confine() -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_| format!("no rules for {}", std::env::consts::ARCH))?;
    let program = |filter: Result<SeccompFilter, BackendError>| -> Result<BpfProgram, String> {
        filter.and_then(BpfProgram::try_from).map_err(|e| e.to_string())
    };
    let refused = rules().and_then(|rules| refuse(rules, libc::EPERM, arch));
    // ENOSYS makes the C library fall back to clone, whose flags a filter can see.
    let clone3 = refuse(BTreeMap::from([(libc::SYS_clone3, vec![])]), libc::ENOSYS, arch);
    let mut programs = vec![program(refused)?, program(clone3)?];
    if cfg!(target_arch = "x86_64") {
        programs.push(no_x32());
    }
    for program in &programs {
        seccompiler::apply_filter(program).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn refuse(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
    arch: TargetArch,
) -> Result<SeccompFilter, BackendError> {
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()), arch)
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let when = |index: u8, op: SeccompCmpOp, value: u64| -> Result<SeccompRule, BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(index, SeccompCmpArgLen::Dword, op, value)?])
    };
    let me = u64::from(std::process::id());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, vec![])).collect();
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    // Only threads: a clone without this flag is a new process. The flags are the first argument on all three
    // architectures that have filters here.
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(thread), 0)?]);
    // Aborting is a signal to oneself; the daemon runs as the same user and must not be reached.
    rules.insert(libc::SYS_kill, vec![when(0, SeccompCmpOp::Ne, me)?]);
    rules.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Ne, me)?]);
    // Limits of oneself (0 or the own pid), not of others.
    let others = SeccompRule::new(vec![
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?,
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, me)?,
    ])?;
    rules.insert(libc::SYS_prlimit64, vec![others]);
    // A pair of connected streams reaches nobody else, and the runtime below Polars' streaming engine makes one for its
    // signals. A pair of datagram sockets could still send to any address.
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    let stream = u64::from(libc::SOCK_STREAM.unsigned_abs());
    let mut pairs = vec![when(0, SeccompCmpOp::Ne, unix)?];
    for kind in (0..=SOCK_KIND).filter(|kind| *kind != stream) {
        pairs.push(when(1, SeccompCmpOp::MaskedEq(SOCK_KIND), kind)?);
    }
    rules.insert(libc::SYS_socketpair, pairs);
    // Typing into the terminal that the daemon was started from.
    rules.insert(libc::SYS_ioctl, vec![when(1, SeccompCmpOp::Eq, libc::TIOCSTI)?]);
    Ok(rules)
}

/// x86_64 kernels may take a second set of numbers for the same calls, with bit 30 set (the x32 ABI), which the
/// lists above would let pass. Four instructions: load the number, compare, refuse with ENOSYS or allow.
fn no_x32() -> BpfProgram {
    use seccompiler::sock_filter;
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const X32_BIT: u32 = 0x4000_0000;
    let errno = libc::SECCOMP_RET_ERRNO | (libc::ENOSYS.unsigned_abs() & libc::SECCOMP_RET_DATA);
    vec![
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: AT_LEAST, jt: 0, jf: 1, k: X32_BIT },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: errno },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ]
}

/// Whether the kernel can refuse calls by a filter, and the filters know this architecture.
pub(super) fn supported() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: SECCOMP_GET_ACTION_AVAIL reads one u32 behind the pointer and changes nothing (seccomp(2)).
    let answer = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0usize, std::ptr::from_ref(&action))
    };
    answer == 0 && TargetArch::try_from(std::env::consts::ARCH).is_ok()
}
