//! Who was let in is counted, however long it takes.

use std::path::Path;

use prove::file::Reason;
use prove::run::{Runner, Until};
use prove::words::Words;
use std::time::Duration;
use text::{FileId, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every other request, and leaves the others without an answer.
async fn half(listener: TcpListener) {
    let mut asked = 0_u32;
    let mut kept = Vec::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 1024];
        // Whoever only looks whether somebody is there asks nothing.
        if stream.read(&mut request).await.unwrap_or(0) == 0 {
            continue;
        }
        asked += 1;
        if asked.is_multiple_of(2) {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.expect("the person is there");
        }
        kept.push(stream);
    }
}

#[tokio::test]
async fn people_on_their_way_at_the_end_are_awaited() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(half(listener));
    let text = format!(
        "kind = \"service\"\nname = \"half\"\n[candidate]\nfile = \"a.toml\"\n\
         [[process]]\nname = \"idle\"\ncommand = [\"sleep\", \"60\"]\nready = {{ tcp = \"{address}\" }}\n\
         [[step]]\nname = \"ask\"\nurl = \"http://{address}/\"\n\
         [load]\nat_once = 20\n[objective]\ngood = \"99%\"\nwithin = \"1s\"\n"
    );
    let source = Source::new(FileId(0), "half.test.toml", text);
    let test = prove::parse::parse(&source, &|name| Err(format!("no {name}"))).expect("no mistake");
    let rooms = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let runner = Runner::new(&test, rooms, rooms, false, Words::default());
    let until = Until::People(20, Duration::from_secs(20));
    let run = runner.run("half", "", 1, until, std::future::pending()).await.expect("a run");
    let trial = run.seen().expect("people came");
    let timeouts = trial.seen.failed.get(&Reason::Timeout).copied().unwrap_or(0);
    // Ten were answered at once; the ten beside them were let in too, and their patience ended later.
    assert_eq!((trial.came, trial.seen.good, timeouts), (20, 10, 10), "{:?}", trial.seen);
}
