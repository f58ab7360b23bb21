import { Observable } from 'rxjs';
import type { Element, Stream } from './elements.ts';

/**
 * Builds a step from a function that is called once a subscription: it gets `emit` and returns what to do with each
 * element. Errors thrown by the step end the stream, as in any RxJS operator.
 */
export function transform<In, Out>(
  source: Observable<In>,
  step: (emit: (element: Element) => void) => (element: In) => void,
): Stream<Out> {
  return new Observable((subscriber) => {
    const onElement = step((element) => subscriber.next(element));
    return source.subscribe({
      next: (element) => {
        try {
          onElement(element);
        } catch (error) {
          subscriber.error(error);
        }
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  });
}
