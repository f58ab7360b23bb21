const IN_PLACE = 'REDACTED';

/**
 * Takes secrets out of a text, also as they stand in a URL. It is used once on each thing that comes in from outside (bodies, errors
 * of the connection) and on nothing else: requests are kept without secrets from the beginning, and a secret is put in when
 * the request is sent.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.filter((secret) => secret !== '').flatMap((secret) => [secret, encodeURIComponent(secret)]);
  return (text) => forms.reduce((redacted, form) => redacted.replaceAll(form, IN_PLACE), text);
}
