//! The examples of the README, run as they stand.

use std::process::Command;

use dropforge_tests::{bytes_of, home};

/// The lines of the README's blocks marked `console`, each after its `$ `.
fn examples() -> Vec<String> {
    let readme = String::from_utf8(bytes_of("README.md")).unwrap();
    let mut examples = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        examples.extend(block.lines().filter_map(|l| l.strip_prefix("$ ")).map(str::to_owned));
    }
    examples
}

#[test]
fn the_examples_of_the_readme_work() {
    let home = home!();
    let examples = examples();
    assert!(examples.len() >= 6, "{examples:?}");
    let bin = home.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(home.exe(), bin.join("dropforge")).unwrap();
    let work = home.path().join("work");
    std::fs::create_dir_all(work.join("assets/samples")).unwrap();
    for sample in ["penguins.csv", "seattle-weather.csv", "airports.csv"] {
        let path = format!("assets/samples/{sample}");
        std::fs::write(work.join(&path), bytes_of(&path)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    for example in examples {
        let output = Command::new("sh")
            .args(["-c", &example])
            .current_dir(&work)
            .env("PATH", &path)
            .env("DROPFORGE_HOME", home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "$ {example}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
