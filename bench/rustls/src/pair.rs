//! Both ends of a handshake, and the processor time of each.

use rustls::{
    client::NoClientSessionStorage, server::NoServerSessionStorage, Certificate, ClientConfig,
    ClientConnection, PrivateKey, RootCertStore, ServerConfig, ServerConnection, ServerName,
};
use std::sync::Arc;

#[derive(Default)]
pub struct Cost {
    pub client_us: f64,
    pub server_us: f64,
}

pub struct World {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: ServerName,
}

fn thread_us() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };

    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Runs a step; its time is added to what its side has used.
fn timed<T>(us: &mut f64, step: impl FnOnce() -> T) -> T {
    let begin = thread_us();
    let result = step();

    *us += thread_us() - begin;
    result
}

impl World {
    pub fn new(folder: &str, name: &str) -> World {
        let read = |file: &str| std::fs::read(format!("{folder}/{file}.der")).expect(file);
        let chain = vec![Certificate(read("leaf")), Certificate(read("intermediate"))];
        let mut roots = RootCertStore::empty();
        roots.add(&Certificate(read("root"))).expect("the root");
        let mut client = ClientConfig::builder()
            .with_safe_defaults()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = ServerConfig::builder()
            .with_safe_defaults()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKey(read("key")))
            .expect("the server's key");

        // Full handshakes only, and no tickets, as on the other side of the comparison.
        client.session_storage = Arc::new(NoClientSessionStorage {});
        server.session_storage = Arc::new(NoServerSessionStorage {});
        World {
            client: Arc::new(client),
            server: Arc::new(server),
            name: name.try_into().expect("the server's name"),
        }
    }

    pub fn handshake(&self, cost: &mut Cost) -> (ClientConnection, ServerConnection) {
        let mut client = timed(&mut cost.client_us, || {
            ClientConnection::new(Arc::clone(&self.client), self.name.clone()).expect("a client")
        });
        let mut server = timed(&mut cost.server_us, || {
            ServerConnection::new(Arc::clone(&self.server)).expect("a server")
        });

        while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
            let mut wire = Vec::new();
            timed(&mut cost.client_us, || client.write_tls(&mut wire).expect("memory"));
            timed(&mut cost.server_us, || {
                server.read_tls(&mut wire.as_slice()).expect("memory");
                server.process_new_packets().expect("the client's messages");
            });
            wire.clear();
            timed(&mut cost.server_us, || server.write_tls(&mut wire).expect("memory"));
            timed(&mut cost.client_us, || {
                client.read_tls(&mut wire.as_slice()).expect("memory");
                client.process_new_packets().expect("the server's messages");
            });
        }
        (client, server)
    }
}
