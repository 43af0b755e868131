//! What is the service's answer to its configuration, and what is not.

use std::path::Path;
use std::time::Duration;

use prove::run::{Runner, Until};
use prove::trial::{Kind, Run, Trouble};
use prove::words::Words;
use text::{FileId, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Fails whoever asks.
async fn failing(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 1024];
        if stream.read(&mut request).await.unwrap_or(0) > 0 {
            let answer = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    }
}

/// What comes of a process with a command, in the place of which somebody else answers each question with 500.
async fn run(command: &str, setup: &str) -> Result<Run, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(failing(listener));
    let text = format!(
        "kind = \"service\"\nname = \"failing\"\n[candidate]\nfile = \"a.toml\"\n\
         [[process]]\nname = \"front\"\ncommand = {command}\nready = {{ tcp = \"{address}\" }}\n{setup}\
         [[step]]\nname = \"ask\"\nurl = \"http://{address}/\"\n\
         [load]\nrate = 50\n[objective]\ngood = \"1%\"\nwithin = \"1s\"\n"
    )
    .replace("ADDRESS", &address.to_string());
    let source = Source::new(FileId(0), "failing.test.toml", text);
    let test = prove::parse::parse(&source, &|name| Err(format!("no {name}"))).expect("no mistake");
    let rooms = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let runner = Runner::new(&test, rooms, rooms, false, Words::default());
    let until = Until::Known(Duration::from_secs(20));
    runner.run("candidate", "", 1, until, std::future::pending()).await
}

const SETUP: &str = "[[setup]]\n[[setup.step]]\nname = \"register\"\nurl = \"http://ADDRESS/\"\n";

#[tokio::test]
async fn what_cannot_be_set_up_or_does_not_stay_is_refused_by_a_service_that_sees_the_configuration() {
    for (command, setup, kind, why) in [
        (
            r#"["sh", "-c", "sleep 60", "${candidate}"]"#,
            SETUP,
            Kind::Setup,
            "[[setup]]: person 0: register: status 500",
        ),
        (
            r#"["sh", "-c", "sleep 0.3; echo out of memory; exit 9", "${candidate}"]"#,
            "",
            Kind::Died,
            "front: ended while people came: exit status: 9 (out of memory)",
        ),
    ] {
        let run = run(command, setup).await.expect("an answer of the service's");
        let refusal = run.refusal().expect("nobody fared well");
        assert_eq!((refusal.trouble.kind, refusal.why.as_str()), (kind, why));
    }
}

#[tokio::test]
async fn what_befalls_a_process_that_never_sees_the_configuration_is_trouble() {
    for (command, setup, kind) in [
        (r#"["sleep", "60"]"#, SETUP, Kind::Setup),
        (r#"["sh", "-c", "sleep 0.3; exit 9", "${base}/a.toml"]"#, "", Kind::Died),
        (r#"["no-such-program", "${candidate}"]"#, "", Kind::Host),
    ] {
        let trouble = run(command, setup).await.expect_err("it is nobody's answer");
        assert_eq!(trouble.kind, kind, "{}", trouble.line());
    }
}
