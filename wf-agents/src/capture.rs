//! What a program writes: its output whole, up to a limit, and the end of its errors.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::captured::Captured;
use super::live::Lines;
use super::secrets::Secrets;

/// How much of the end of what a program wrote is shown in a message, in bytes.
const SHOWN: usize = 4 * 1024;

/// Writes the prompt and closes the pipe.
///
/// A program that does not read all of it has read all that it wants.
pub(super) async fn write_prompt(
    mut stdin: impl AsyncWrite + Unpin,
    prompt: &str,
) -> io::Result<()> {
    match stdin.write_all(prompt.as_bytes()).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// How much is read before others get a turn, in bytes.
const TURN: usize = 64 * 1024;

/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// Reads to the end, or until one byte more than `limit` has come, and shows it.
///
/// # Cancellation
///
/// What was read until then stays in `output`.
pub(super) async fn read_output(
    stdout: impl AsyncRead + Unpin,
    limit: u64,
    output: &Captured,
    lines: &mut Lines<'_>,
) -> io::Result<()> {
    let mut chunks = Chunks::new(stdout.take(limit.saturating_add(1)));
    while let Some(new) = chunks.next().await? {
        output.push(new);
        lines.push(new);
    }
    lines.finish();
    Ok(())
}

/// Reads in bounded pieces, and lets others have their turn: a flood starves nobody.
struct Chunks<R> {
    reader: R,
    buffer: Vec<u8>,
    read: usize,
}

impl<R: AsyncRead + Unpin> Chunks<R> {
    fn new(reader: R) -> Self {
        Chunks {
            reader,
            buffer: vec![0; CHUNK],
            read: 0,
        }
    }

    async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.read >= TURN {
            self.read = 0;
            tokio::task::yield_now().await;
        }
        let read = self.reader.read(&mut self.buffer).await?;
        self.read += read;
        Ok(self.buffer.get(..read).filter(|new| !new.is_empty()))
    }
}

/// The end of a text of any length.
pub(super) struct Tail {
    bytes: Vec<u8>,
    /// How many bytes are kept at least.
    keep: usize,
    /// Whether the beginning is gone.
    cut: bool,
}

impl Tail {
    /// Keeps enough to show, and to recognise a secret that begins before it.
    pub(super) fn new(secrets: &Secrets) -> Self {
        Tail {
            bytes: Vec::new(),
            keep: SHOWN + secrets.longest(),
            cut: false,
        }
    }

    /// The end of a text that is there already.
    pub(super) fn of(text: &[u8], secrets: &Secrets) -> Self {
        let mut tail = Tail::new(secrets);
        tail.cut = text.len() > tail.keep;
        tail.bytes = text
            .get(text.len().saturating_sub(tail.keep)..)
            .unwrap_or_default()
            .to_vec();
        tail
    }

    /// Reads to the end, and shows it.
    ///
    /// # Cancellation
    ///
    /// What was read until then stays.
    pub(super) async fn read(
        &mut self,
        stderr: impl AsyncRead + Unpin,
        lines: &mut Lines<'_>,
    ) -> io::Result<()> {
        let mut chunks = Chunks::new(stderr);
        while let Some(new) = chunks.next().await? {
            self.push(new);
            lines.push(new);
        }
        lines.finish();
        Ok(())
    }

    /// Takes what follows.
    pub(super) fn push(&mut self, new: &[u8]) {
        self.bytes.extend_from_slice(new);
        // Cut off now and then, so that each byte is moved only a bounded number of times.
        if self.bytes.len() > 4 * self.keep {
            self.shorten();
        }
    }

    /// The end of the text without secrets, for a message; empty when there is none.
    pub(super) fn show(mut self, secrets: &Secrets) -> String {
        self.shorten();
        // Before anything is cut. It may end anywhere: at a limit, or where a program was killed.
        let redacted = secrets.redact_piece(&self.bytes, self.cut);
        let text = String::from_utf8_lossy(&redacted);
        let text = text.trim();
        let from = text.ceil_char_boundary(text.len().saturating_sub(SHOWN));
        let shown = text.get(from..).unwrap_or_default();
        if self.cut || from > 0 {
            // From the beginning of a line, if one is near.
            let near = shown.get(..shown.floor_char_boundary(SHOWN / 8));
            let line = near.and_then(|near| near.find('\n')).map(|end| end + 1);
            let shown = line.and_then(|line| shown.get(line..)).unwrap_or(shown);
            format!("…{shown}")
        } else {
            shown.to_owned()
        }
    }

    fn shorten(&mut self) {
        if let Some(surplus @ 1..) = self.bytes.len().checked_sub(self.keep) {
            self.bytes.drain(..surplus);
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn end_of(text: &str, secrets: &Secrets) -> String {
        let mut tail = Tail::new(secrets);
        let execution = wf_core::id::ExecutionId::from("e");
        let request = wf_core::agent::Request::new("", &execution, "s", 1);
        let mut lines = Lines::new(request.output, secrets, None);
        tail.read(text.as_bytes(), &mut lines).await.unwrap();
        let shown = tail.show(secrets);
        assert_eq!(Tail::of(text.as_bytes(), secrets).show(secrets), shown);
        shown
    }

    #[tokio::test]
    async fn a_short_text_is_shown_whole_without_the_white_space_around_it() {
        assert_eq!(
            end_of("\nno such file\n\n", &Secrets::default()).await,
            "no such file"
        );
        assert_eq!(end_of("", &Secrets::default()).await, "");
    }

    #[tokio::test]
    async fn of_a_long_text_the_end_is_shown() {
        let text = format!("{}the end\n", "x".repeat(1_000_000));
        let shown = end_of(&text, &Secrets::default()).await;
        assert!(
            shown.starts_with("…xxx") && shown.ends_with("xthe end"),
            "{shown}"
        );
        assert!(shown.len() <= SHOWN + "…".len());
    }

    #[tokio::test]
    async fn the_end_of_many_lines_begins_with_a_whole_one() {
        let text: String = (0..1000)
            .map(|line| format!("line {line} of many\n"))
            .collect();
        let shown = end_of(&text, &Secrets::default()).await;
        assert!(shown.starts_with("…line "), "{}", &shown[..40]);
        assert!(shown.len() > SHOWN - 40 && shown.ends_with("line 999 of many"));
    }

    #[tokio::test]
    async fn a_letter_is_not_cut_in_two() {
        let shown = end_of(&"ü".repeat(10_001), &Secrets::default()).await;
        assert_eq!(shown.trim_matches('ü'), "…");
    }

    #[tokio::test]
    async fn no_part_of_a_secret_is_left_wherever_the_text_is_cut() {
        let mut secrets = Secrets::default();
        secrets.add(b"0123456789abcdef");
        for after in SHOWN - 40..SHOWN + 40 {
            let text = format!(
                "{}0123456789abcdef{}",
                "x".repeat(10_000),
                "y".repeat(after)
            );
            let shown = end_of(&text, &secrets).await;
            assert!(
                !shown.contains(|letter: char| letter.is_ascii_digit()),
                "{after}: {}",
                &shown[..80]
            );
            assert!(!shown.contains("f") || shown.starts_with("…"), "{after}");
            assert!(!shown.contains("cdef"), "{after}: {}", &shown[..80]);
            // What was read of it may end anywhere as well.
            let cut = &text[..text.len() - after - 5];
            let shown = end_of(cut, &secrets).await;
            assert!(shown.ends_with("x[redacted]"), "{after}");
        }
    }
}
