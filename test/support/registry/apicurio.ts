import { cached, fetchOnce } from '../mavenCache.ts';
import { freePorts } from '../ports.ts';
import { endServer, startServer } from '../serverProcess.ts';

/** The newest version that runs on Java 17. */
const VERSION = '3.0.9';
const NAME = `apicurio-registry-${VERSION}`;
const JAR = `apicurio-registry-app-${VERSION}-runner.jar`;
const START_TIMEOUT_MS = 60_000;

/** Apicurio Registry, in memory, in a process of its own. */
export interface RegistryProcess {
  /** The address of its Confluent API. */
  readonly url: string;
  end(): Promise<void>;
}

/**
 * Makes Apicurio Registry ready: it needs Java and, the first time, Maven, which fetches it from Maven Central.
 * @returns why it cannot be had here, or null
 */
export function whyNoApicurio(): string | null {
  // Later versions of the plugin ask for the artifact's parent, which is not at Maven Central.
  const unpack = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:unpack';
  const artifact = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
  return fetchOnce(NAME, (into) => [unpack, `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`]);
}

/** Starts a registry that holds nothing on a free port. */
export async function startApicurio(): Promise<RegistryProcess> {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const properties = [`-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1'];
  const answers = () =>
    fetch(`${url}/subjects`).then(
      ({ ok }) => ok,
      () => false,
    );
  const child = await startServer('java', ['-Xmx256m', ...properties, '-jar', JAR], {
    cwd: cached(NAME),
    isReady: answers,
    timeoutMs: START_TIMEOUT_MS,
  });
  return { url, end: () => endServer(child) };
}
