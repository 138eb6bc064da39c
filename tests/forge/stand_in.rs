//! A stand-in for a forge's API on loopback: it keeps lists of things, gives them out two a page, and records what
//! it was sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use serde_json::{Value, json};

/// What a forge holds.
#[derive(Default)]
pub(crate) struct World {
    /// Things by the path that lists them; each has its number as `id`.
    pub(crate) lists: BTreeMap<String, Vec<Value>>,
    /// The list whose things are edited under another path.
    pub(crate) edited_as: BTreeMap<String, String>,
    /// What else there is to read.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Everything that was to change something.
    pub(crate) sent: Vec<Sent>,
    /// Every path that was read, with its query.
    pub(crate) read: Vec<String>,
    /// Who whatever is made belongs to.
    pub(crate) account: Value,
}

/// A request that was to change something.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

pub(crate) struct StandIn {
    pub(crate) port: u16,
    world: Arc<Mutex<World>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Answer {
    status: u16,
    next: Option<String>,
    body: Vec<u8>,
}

impl StandIn {
    pub(crate) fn new(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (world, over) = (Arc::new(Mutex::new(world)), Arc::new(AtomicBool::new(false)));
        let (of_thread, is_over) = (Arc::clone(&world), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hangs up early is no failure of the stand-in.
                let _ = stream.and_then(|stream| serve(&stream, &of_thread));
            }
        });
        Self { port, world, over, thread: Some(thread) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Returns what was sent since the last call, as `METHOD path`.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.world().sent)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: &TcpStream, world: &Mutex<World>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or("").to_owned(), words.next().unwrap_or("").to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    // A client of a proxy names the host as well; GitLab's API has a prefix.
    let path = target.split_once("://").map_or(&*target, |(_, rest)| &rest[rest.find('/').unwrap_or(0)..]);
    let path = path.trim_start_matches("/api/v4").trim_start_matches('/');
    let Answer { status, next, body } = world.lock().unwrap().answer(&method, path, &body);
    let next = next
        .map(|next| format!("Link: <{}{next}>; rel=\"next\"\r\nX-Next-Page: 2\r\n", before(&target, path)));
    write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
        body.len(),
        next.unwrap_or_default()
    )?;
    stream.write_all(&body)
}

/// Returns what stands before the path in a request's target.
fn before<'a>(target: &'a str, path: &str) -> &'a str {
    &target[..target.len() - path.len()]
}

impl World {
    fn answer(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if method == "GET" {
            self.read.push(target.to_owned());
            return self.get(path, query);
        }
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        self.sent.push(Sent { method: method.to_owned(), path: path.to_owned(), body: body.clone() });
        let changed = if method == "POST" { Some(self.make(path, &body)) } else { self.edit(path, &body) };
        match changed {
            Some(thing) => Answer { status: 200, next: None, body: thing.to_string().into_bytes() },
            None => Answer { status: 404, next: None, body: b"{\"message\": \"Not Found\"}".to_vec() },
        }
    }

    fn get(&self, path: &str, query: &str) -> Answer {
        const A_PAGE: usize = 2;
        if let Some(file) = self.files.get(path) {
            return Answer { status: 200, next: None, body: file.clone() };
        }
        let Some(list) = self.lists.get(path) else {
            return Answer { status: 404, next: None, body: b"{\"message\": \"Not Found\"}".to_vec() };
        };
        let page =
            query.split('&').find_map(|part| part.strip_prefix("page=")).and_then(|page| page.parse().ok());
        let page: usize = page.unwrap_or(1);
        let rest = query.split('&').filter(|part| !part.starts_with("page=")).collect::<Vec<_>>().join("&");
        let more = list.len() > page * A_PAGE;
        let items: Vec<&Value> = list.iter().skip((page - 1) * A_PAGE).take(A_PAGE).collect();
        Answer {
            status: 200,
            next: more.then(|| format!("{path}?{rest}&page={}", page + 1)),
            body: json!(items).to_string().into_bytes(),
        }
    }

    fn make(&mut self, path: &str, body: &Value) -> Value {
        let id = 1_000 + self.lists.values().map(Vec::len).sum::<usize>();
        let mut thing = body.clone();
        for (key, value) in
            [("id", json!(id)), ("number", json!(id)), ("iid", json!(id)), ("state", json!("open"))]
        {
            thing[key] = value;
        }
        (thing["user"], thing["author"]) = (self.account.clone(), self.account.clone());
        self.lists.entry(path.to_owned()).or_default().push(thing.clone());
        thing
    }

    fn edit(&mut self, path: &str, body: &Value) -> Option<Value> {
        let (list, id) = path.rsplit_once('/')?;
        let id: u64 = id.parse().ok()?;
        let list = self.edited_as.get(list).cloned().unwrap_or(list.to_owned());
        let thing = self.lists.get_mut(&list)?.iter_mut().find(|thing| thing["id"] == id)?;
        body.as_object()?.iter().for_each(|(key, value)| thing[key] = value.clone());
        // GitLab is told what to do, and shows what became of it.
        if body["state_event"] == "close" {
            thing["state"] = json!("closed");
        }
        Some(thing.clone())
    }
}
