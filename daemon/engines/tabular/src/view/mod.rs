//! placeholder
use dropforge_shared::page::Page; use dropforge_shared::query::View; use std::path::Path; use crate::error::Error;
/// x
pub fn view(_d:&Path,_v:&View,_o:u64,_r:u64)->Result<Page,Error>{ Err(Error::Internal("x".into())) }
