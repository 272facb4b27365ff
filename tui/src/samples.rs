//! The samples that come with the binary, so that a new user has something real at hand. Their sources and licences are in
//! `assets/samples/README.md`.

/// A file to try things on.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Its file name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The samples.
pub const SAMPLES: &[Sample] = &[
    Sample {
        name: "penguins.csv",
        about: "344 penguins of three species, measured (Palmer Station LTER, CC0)",
        bytes: include_bytes!("../../assets/samples/penguins.csv"),
    },
    Sample {
        name: "seattle-weather.csv",
        about: "four years of daily weather (NOAA, public domain)",
        bytes: include_bytes!("../../assets/samples/seattle-weather.csv"),
    },
    Sample {
        name: "airports.csv",
        about: "3,376 airports with codes and positions (OurAirports, public domain)",
        bytes: include_bytes!("../../assets/samples/airports.csv"),
    },
];
