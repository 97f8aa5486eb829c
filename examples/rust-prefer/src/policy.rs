//! A policy as a trait, and the table that the host calls it by.
//! `export!(AsPolicy<Prefer>)` is the one symbol of a plugin.

use crate::components::{About, Kind, Sink};
use crate::fanfold::{barrier, whole, Fail, Host};
use crate::ffi::{self, Instance, View};
use std::ffi::{c_void, CStr};
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr::null_mut;

/// Says how well each kind of workers suits each request.
pub trait Policy: Sized {
    const ABOUT: About;
    fn create(host: Host, config: &[u8]) -> Result<Self, Fail>;
    /// Answers {"scores": [[...], ...]}: for each request a list with a finite number for each kind
    /// of workers, in order; higher is better.
    fn place(&mut self, snapshot: &[u8]) -> Result<String, Fail>;
    /// Told {"outcomes": [...], "dropped": n}: how attempts ended, as fanfold_plugin.h says.
    fn observe(&mut self, _outcomes: &[u8]) {}
    /// Reserved: no host calls it.
    fn predict(&mut self, _query: &[u8]) -> Result<String, Fail> {
        Err(Fail::new(ffi::UNIMPLEMENTED, "predict", "this policy predicts nothing"))
    }
}

pub struct AsPolicy<P>(PhantomData<P>);

impl<P: Policy> Kind for AsPolicy<P> {
    const ABOUT: About = P::ABOUT;
    const KIND: u32 = ffi::KIND_POLICY;
    const INTERFACE: &'static CStr = c"fanfold.policy/1";
    type Instance = P;

    fn make(host: Host, config: &[u8]) -> Result<P, Fail> {
        P::create(host, config)
    }

    fn table() -> *const c_void {
        (&raw const *Self::TABLE).cast()
    }
}

impl<P: Policy> AsPolicy<P> {
    const TABLE: &'static ffi::Policy = &ffi::Policy {
        struct_size: size_of::<ffi::Policy>() as u32,
        reserved: 0,
        predict: Self::predict,
        observe: Self::observe,
        place: Self::place,
    };

    /// Calls never overlap, so the instance is the call's own.
    unsafe fn of<'a>(raw: Instance) -> &'a mut P {
        &mut *raw.cast::<P>()
    }

    unsafe extern "C" fn predict(
        this: Instance, query: View, sink: *const ffi::Sink, err: *mut ffi::Error,
    ) -> i32 {
        barrier(err, || {
            let answer = Self::of(this).predict(query.bytes())?;
            Sink(whole(sink)?).output(&answer, Vec::new())
        })
    }

    unsafe extern "C" fn observe(this: Instance, outcomes: View) {
        barrier(null_mut(), || {
            Self::of(this).observe(outcomes.bytes());
            Ok(())
        });
    }

    unsafe extern "C" fn place(
        this: Instance, snapshot: View, sink: *const ffi::Sink, err: *mut ffi::Error,
    ) -> i32 {
        barrier(err, || {
            let answer = Self::of(this).place(snapshot.bytes())?;
            Sink(whole(sink)?).output(&answer, Vec::new())
        })
    }
}
