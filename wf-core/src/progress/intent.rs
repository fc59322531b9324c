//! What an execution is driven towards.

use crate::id::Timestamp;

/// What an execution is driven towards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Its end.
    Finish,
    /// Out of the pause that it is in, or on its way to, and then its end.
    Resume,
    /// A pause; with the reason when nobody has asked for it.
    Pause(Option<PauseReason>),
    /// Its failure, because its time is over.
    TimeOut,
}

/// Why an execution pauses by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PauseReason {
    pub(crate) text: String,
    /// When it can go on, where it waits for a limit that is lifted then.
    pub(crate) resume_at: Option<Timestamp>,
}

impl PauseReason {
    pub(super) const fn new(text: String) -> Self {
        PauseReason {
            text,
            resume_at: None,
        }
    }
}

impl Intent {
    /// Turns towards a pause that somebody has asked for.
    pub(super) fn ask_for_pause(&mut self) {
        if matches!(self, Intent::Finish | Intent::Resume) {
            *self = Intent::Pause(None);
        }
    }

    /// Turns towards a pause for a reason; the first one is kept.
    pub(super) fn pause_because(&mut self, reason: impl FnOnce() -> PauseReason) {
        match self {
            Intent::Finish | Intent::Resume => *self = Intent::Pause(Some(reason())),
            Intent::Pause(why) => {
                why.get_or_insert_with(reason);
            }
            Intent::TimeOut => {}
        }
    }

    pub(super) const fn is_pause(&self) -> bool {
        matches!(self, Intent::Pause(_))
    }

    /// Leaves the pause, if that is what is wanted: from now on the execution is driven to its end.
    pub(super) fn take_resume(&mut self) -> bool {
        let resumes = *self == Intent::Resume;
        if resumes {
            *self = Intent::Finish;
        }
        resumes
    }
}
