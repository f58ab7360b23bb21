/** Messages that the recordings lack, in the form that the venues' documents give. */

const TRADE_TIME = 1_700_000_000_123_456;

function trade(symbol: string, tradeId: string | null, rest: object): object {
  return { kind: 'trade', symbol, tradeId, ...rest };
}

function quote(symbol: string, bid: string, ask: string, rest: object): object {
  return { kind: 'quote', symbol, bid, ask, ...rest };
}

function failure(code: string | null, message: string, symbol: string | null = null): object {
  return { kind: 'error', code, message, symbol };
}

const ALIVE = { kind: 'heartbeat', symbol: null, lastTradeId: null };

/** Venue, frame, and what is expected of each event. */
export const DOCUMENTED: readonly (readonly [venue: string, frame: string, events: readonly object[]])[] = [
  ['binance-spot', '{"result":null,"id":1}', [{ kind: 'subscribed', symbols: [] }]],
  ['binance-spot', '{"code":2,"msg":"Invalid request"}', [failure('2', 'Invalid request')]],
  ['binance-spot', '{"error":{"code":2,"msg":"Invalid request"},"id":1}', [failure('2', 'Invalid request')]],
  [
    'binance-spot',
    '{"e":"aggTrade","E":1700000000125,"s":"BTCUSDT","a":9007199254740993,"p":"0.00000012","q":"100","f":1,"l":2,"T":1700000000123,"m":true,"M":true}',
    [
      trade('BTCUSDT', '9007199254740993', {
        sequence: null,
        price: '0.00000012',
        size: '100',
        side: 'sell',
        eventMicros: 1_700_000_000_123_000,
        publishMicros: 1_700_000_000_125_000,
      }),
    ],
  ],
  [
    'binance-usdm',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":7,"p":"0","q":"0","X":"NA","m":true}}',
    [],
  ],
  [
    'coinbase',
    '{"type":"heartbeat","last_trade_id":79,"product_id":"BTC-USD","sequence":15,"time":"2023-11-14T22:13:20.123456Z"}',
    [{ kind: 'heartbeat', symbol: 'BTC-USD', lastTradeId: '79' }],
  ],
  [
    'coinbase',
    '{"type":"error","message":"Failed to subscribe","reason":"X-USD is not a valid product"}',
    [failure(null, 'Failed to subscribe: X-USD is not a valid product')],
  ],
  [
    'coinbase',
    '{"type":"ticker","sequence":9,"product_id":"BTC-USD","price":"2","best_bid":"1.50","best_bid_size":"0.10","best_ask":"2.5","best_ask_size":"3","time":"2023-11-14T22:13:20.123456Z","trade_id":1,"side":"buy"}',
    [quote('BTC-USD', '1.50', '2.5', { bidSize: '0.10', askSize: '3', sequence: 9, eventMicros: TRADE_TIME })],
  ],
  ['kraken', '{"channel":"heartbeat"}', [ALIVE]],
  ['kraken', '{"method":"pong","req_id":1,"time_in":"a","time_out":"b"}', [ALIVE]],
  ['kraken', '{"channel":"status","type":"update","data":[{"system":"online"}]}', []],
  [
    'kraken',
    '{"method":"subscribe","result":{"channel":"trade","snapshot":true,"symbol":"BTC/USD"},"success":true}',
    [{ kind: 'subscribed', symbols: ['BTC/USD'] }],
  ],
  [
    'kraken',
    '{"error":"Currency pair not supported X/Y","method":"subscribe","success":false,"symbol":"X/Y"}',
    [failure(null, 'Currency pair not supported X/Y', 'X/Y')],
  ],
  [
    'kraken',
    '{"channel":"trade","type":"snapshot","data":[{"symbol":"BTC/USD","side":"sell","price":0.50,"qty":40.00000000,"ord_type":"market","trade_id":4665906,"timestamp":"2023-11-14T22:13:20.123456Z"}]}',
    [
      trade('BTC/USD', '4665906', {
        price: '0.50',
        size: '40.00000000',
        side: 'sell',
        isOld: true,
        eventMicros: TRADE_TIME,
      }),
    ],
  ],
  [
    'kraken',
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"up","price":1,"qty":1,"trade_id":1,"timestamp":"2023-11-14T22:13:20Z"},{"symbol":"BTC/USD","side":"buy","price":1,"qty":1,"trade_id":2,"timestamp":"2023-11-14T22:13:20Z"}]}',
    [{ kind: 'fault', reason: 'value' }, trade('BTC/USD', '2', { isOld: false })],
  ],
  [
    'kraken',
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":0.10,"bid_qty":740.0,"ask":0.11,"ask_qty":1.5}]}',
    [quote('BTC/USD', '0.10', '0.11', { bidSize: '740.0', askSize: '1.5', eventMicros: TRADE_TIME })],
  ],
  [
    'kraken',
    '[0,["5698.40000","5700.00000","1700000000.123456","1.01234567","0.98765432"],"spread","XBT/USD"]',
    [quote('XBT/USD', '5698.40000', '5700.00000', { eventMicros: TRADE_TIME })],
  ],
  [
    'kraken',
    '{"errorMessage":"Currency pair not in ISO 4217-A3 format XBT","event":"subscriptionStatus","pair":"XBT","status":"error"}',
    [failure(null, 'Currency pair not in ISO 4217-A3 format XBT', 'XBT')],
  ],
  [
    'bitstamp',
    '{"event":"data","channel":"order_book_btcusd","data":{"timestamp":"1700000000","microtimestamp":"1700000000123456","bids":[["5.00","1.5"],["4","1"]],"asks":[["6","2.50"]]}}',
    [quote('btcusd', '5.00', '6', { bidSize: '1.5', askSize: '2.50', eventMicros: TRADE_TIME })],
  ],
  ['bitstamp', '{"event":"bts:heartbeat","channel":"","data":""}', [ALIVE]],
  [
    'bitstamp',
    '{"event":"bts:request_reconnect","channel":"","data":""}',
    [{ kind: 'error', code: 'reconnect', symbol: null }],
  ],
  [
    'bitstamp',
    '{"event":"bts:error","channel":"","data":{"code":null,"message":"Bad subscription string."}}',
    [failure(null, 'Bad subscription string.')],
  ],
  ['kraken-futures', '{"feed":"heartbeat","time":1700000000123}', [ALIVE]],
  ['kraken-futures', '{"event":"alert","message":"Bad request"}', [failure(null, 'Bad request')]],
  ['kraken-futures', '{"event":"error","message":"Invalid product id"}', [failure(null, 'Invalid product id')]],
  ['kraken-futures', '{"event":"subscribed","feed":"heartbeat"}', []],
  [
    'kraken-futures',
    '{"time":1700000000123,"product_id":"PI_XBTUSD","feed":"ticker","bid":34832.5,"ask":34847.50,"bid_size":42864.0,"ask_size":2300,"volume":1.0}',
    [
      quote('PI_XBTUSD', '34832.5', '34847.50', {
        bidSize: '42864.0',
        askSize: '2300',
        eventMicros: 1_700_000_000_123_000,
      }),
    ],
  ],
  ['kraken-futures', '{"product_id":"PI_XBTUSD","feed":"ticker","bid":1,"ask":null,"time":1700000000123}', []],
  ['okx', 'pong', [ALIVE]],
  [
    'okx',
    '{"event":"error","code":"60012","msg":"Invalid request","connId":"a4d3ae55"}',
    [failure('60012', 'Invalid request')],
  ],
  [
    'okx',
    '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1700000000123","seqId":363996337}]}',
    [quote('BTC-USDT', '111.05', '111.06', { bidSize: '57745', askSize: '55154', sequence: 363_996_337 })],
  ],
  ['bitmex', 'pong', [ALIVE]],
  [
    'bitmex',
    '{"status":400,"error":"Unknown table: trad","meta":{},"request":{"op":"subscribe","args":"trad"}}',
    [failure('400', 'Unknown table: trad')],
  ],
  [
    'bitmex',
    '{"table":"quote","action":"insert","data":[{"timestamp":"2023-11-14T22:13:20.123Z","symbol":"XBTUSD","bidSize":1,"bidPrice":null,"askPrice":2,"askSize":1}]}',
    [],
  ],
  ['gemini', '{"result":"error","reason":"InvalidJson"}', [failure('InvalidJson', 'InvalidJson')]],
  ['upbit', '{"status":"UP"}', [ALIVE]],
  ['upbit', '{"error":{"name":"NO_CODES","message":"codes"}}', [failure('NO_CODES', 'codes')]],
  [
    'upbit',
    '{"ty":"trade","cd":"KRW-BTC","tms":1700000000125,"ttms":1700000000123,"tp":126.0,"tv":1e-8,"ab":"BID","sid":17000000001230000,"st":"SNAPSHOT"}',
    [trade('KRW-BTC', '17000000001230000', { isOld: true, sequence: null, price: '126.0', size: '1e-8', side: 'buy' })],
  ],
];
