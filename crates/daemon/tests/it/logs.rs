//! Access logs as Debian's NGINX and HAProxy write them, read as they are written.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use daemon::follow::{Follower, Start};
use rig::process::Process;
use rig::scratch::{Scratch, free_address};
use text::{FileId, Span};
use watch::journal::Said;
use watch::plan::{GuardSource, Intake, LatencyObjective, Log, LogFormat, Outcome, Reason, Watched};
use watch::tally::Tally;
use watch::time::At;

/// How long a program may take to begin, to answer or to write.
const LIMIT: Duration = Duration::from_secs(10);

fn installed(test: &str, program: &str) -> bool {
    let found = Command::new(program).arg("-v").output().is_ok();
    if !found {
        rig::skip::skipped(test, &format!("{program} is not installed"));
    }
    found
}

fn service() -> Watched {
    Watched {
        name: "site".to_owned(),
        span: Span { file: FileId(0), start: 0, end: 0 },
        intake: Intake::None,
        reasons: vec![Reason { name: "server".to_owned(), counts: true }],
        failures: GuardSource::Own,
        by_reason: Vec::new(),
        latency: Some(LatencyObjective { slow: Duration::from_secs(60), guard: GuardSource::Own }),
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    }
}

fn follower(directory: &Path, format: LogFormat) -> Follower {
    let log = Log {
        paths: vec!["access.log".to_owned()],
        format,
        under: vec!["/api".to_owned()],
        failed: vec![(0, Outcome { status: vec![(500, 599)], flags: Vec::new() })],
    };
    Follower::new(&service(), &log, directory, Start::Beginning, None).unwrap()
}

/// Asks for a path; whether there was an answer.
fn get(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: a \"b\" \\ c\r\nConnection: close\r\n\r\n");
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && !answer.is_empty()
}

fn until_counted(follower: &mut Follower, requests: u64) -> Tally {
    let mut sum = Tally::default();
    rig::until(LIMIT, || {
        if let Said::Since { tally, .. } = follower.look(At(0)) {
            sum.add(&tally);
        }
        sum.requests >= requests
    });
    sum
}

#[test]
fn nginx_is_read_over_its_own_rotation() {
    if !installed("nginx_is_read_over_its_own_rotation", "nginx") {
        return;
    }
    let scratch = Arc::new(Scratch::new("nginx").unwrap());
    let directory = scratch.path().to_path_buf();
    let (front, back) = (free_address().unwrap(), free_address().unwrap());
    let format = "log_format timed '$remote_addr [$time_local] \"$request\" $status $upstream_addr $upstream_status '\n\
                  '$upstream_response_time $request_time \"$http_user_agent\"';";
    let configuration = format!(
        "daemon off; pid {0}/pid; error_log {0}/error.log; worker_processes 1; events {{}}\n\
         http {{ {format} access_log {0}/access.log timed;\n\
         client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; \
         scgi_temp_path {0}/s;\n\
         upstream two {{ server {back}; server {back} backup; }}\n\
         server {{ listen {front}; location / {{ return 200 ok; }}\n\
         location /api/fail {{ proxy_pass http://two; }} }} }}",
        directory.display()
    );
    let configuration = scratch.file("nginx.conf", &configuration).unwrap();
    let arguments = ["-c", configuration.to_str().unwrap(), "-e", "error.log"];
    let mut nginx = Process::new("nginx", Path::new("nginx"), &arguments, &scratch);
    let mut follower = follower(&directory, LogFormat::Nginx(Some(format.to_owned())));
    nginx.start().unwrap();
    assert!(rig::until(LIMIT, || get(front, "/")).is_some(), "{}", nginx.log());
    assert!(get(front, "/api/a") && get(front, "/api/fail"));
    let tally = until_counted(&mut follower, 2);
    assert_eq!((tally.requests, tally.failed, tally.timed), (2, vec![1], 2));
    // As logrotate does: a new name, and a signal to open the log anew.
    std::fs::rename(directory.join("access.log"), directory.join("access.log.1")).unwrap();
    assert!(get(front, "/api/b"));
    let signal = Command::new("kill").args(["-USR1", &nginx.number().unwrap().to_string()]).status();
    assert!(signal.unwrap().success());
    assert!(rig::until(LIMIT, || directory.join("access.log").exists()).is_some());
    assert!(get(front, "/api/c"));
    assert_eq!(until_counted(&mut follower, 2).requests, 2);
    assert_eq!((follower.counters().malformed, follower.counters().perhaps_lost), (0, 0));
    // Killed, it would leave its workers behind.
    nginx.terminate().unwrap();
}

#[test]
fn haproxy_is_read_as_syslog_writes_it() {
    if !installed("haproxy_is_read_as_syslog_writes_it", "haproxy") {
        return;
    }
    let scratch = Arc::new(Scratch::new("haproxy").unwrap());
    let directory = scratch.path().to_path_buf();
    let (front, back) = (free_address().unwrap(), free_address().unwrap());
    let syslog = UdpSocket::bind("127.0.0.1:0").unwrap();
    syslog.set_read_timeout(Some(LIMIT)).unwrap();
    let configuration = format!(
        "global\n log {} local0\n\
         defaults\n mode http\n log global\n option httplog\n timeout connect 1s\n timeout client 5s\n \
         timeout server 5s\n retries 0\n\
         frontend in\n bind {front}\n capture request header User-Agent len 40\n \
         http-request return status 200 if !{{ path /api/fail }}\n default_backend gone\n\
         backend gone\n server a {back}\n",
        syslog.local_addr().unwrap()
    );
    let configuration = scratch.file("haproxy.cfg", &configuration).unwrap();
    let arguments = ["-db", "-f", configuration.to_str().unwrap()];
    let mut haproxy = Process::new("haproxy", Path::new("haproxy"), &arguments, &scratch);
    let mut follower = follower(&directory, LogFormat::HaProxy);
    haproxy.start().unwrap();
    assert!(rig::until(LIMIT, || get(front, "/")).is_some(), "{}", haproxy.log());
    assert!(get(front, "/api/a") && get(front, "/api/fail"));
    let mut log = std::fs::File::create(directory.join("access.log")).unwrap();
    let mut datagram = [0; 4096];
    // Its threads log in any order, each after its answer.
    let mut requests = 0;
    while requests < 3 {
        let length = syslog.recv(&mut datagram).unwrap();
        let line = String::from_utf8_lossy(&datagram[..length]);
        writeln!(log, "{}", line.trim_end()).unwrap();
        requests += u32::from(line.contains("\"GET /"));
    }
    let tally = until_counted(&mut follower, 2);
    assert_eq!((tally.requests, tally.failed, tally.timed), (2, vec![1], 2));
    assert_eq!((follower.counters().malformed, follower.counters().elsewhere), (0, 1));
    haproxy.kill().unwrap();
}
