//! What a plain full handshake costs with rustls: client and server in one process, over memory, as
//! bench_handshake does it with OpenSSL. Prints one object.
//!
//! usage: bench-rustls FOLDER ROUNDS, with root.der, intermediate.der, leaf.der and key.der (PKCS #8).

mod memory;
mod pair;

use pair::{Cost, World};
use std::sync::Arc;
use std::time::Instant;

const PER_ROUND: u32 = 200;
const NAME: &str = "bank.example";

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(|a, b| a.total_cmp(b));
    values[(values.len() - 1) / 2]
}

/// Handshakes per second of this many threads that share their configurations.
fn rate(world: &Arc<World>, threads: u32) -> f64 {
    let begin = Instant::now();
    let work: Vec<_> = (0..threads)
        .map(|_| {
            let world = Arc::clone(world);
            std::thread::spawn(move || {
                for _ in 0..2 * PER_ROUND {
                    world.handshake(&mut Cost::default());
                }
            })
        })
        .collect();
    for thread in work {
        thread.join().expect("a thread of handshakes");
    }
    f64::from(threads * 2 * PER_ROUND) / begin.elapsed().as_secs_f64()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let rounds: usize = arguments[2].parse().expect("a number of rounds");
    let world = Arc::new(World::new(&arguments[1], NAME));
    let (mut client, mut server, mut both, mut scaling) = (vec![], vec![], vec![], vec![]);

    world.handshake(&mut Cost::default());
    let before = memory::in_use();
    let (c, s) = world.handshake(&mut Cost::default());
    let kept = memory::in_use() - before;
    drop((c, s));
    for _ in 0..rounds {
        let mut cost = Cost::default();
        for _ in 0..PER_ROUND {
            world.handshake(&mut cost);
        }
        client.push(cost.client_us / f64::from(PER_ROUND));
        server.push(cost.server_us / f64::from(PER_ROUND));
        both.push(1e6 * f64::from(PER_ROUND) / (cost.client_us + cost.server_us));
        let one = rate(&world, 1);
        scaling.push(rate(&world, 2) / one);
    }
    println!(
        "{{\"rustls.rate\":{:.0},\"rustls.client_us\":{:.1},\"rustls.server_us\":{:.1},\
         \"rustls.scaling\":{:.2},\"rustls.pair_kib\":{:.0}}}",
        median(&mut both),
        median(&mut client),
        median(&mut server),
        median(&mut scaling),
        kept as f64 / 1024.0
    );
}
