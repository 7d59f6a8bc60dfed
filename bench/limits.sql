-- The limit: one function call and one transaction a posting, writing the rows that the product writes.
-- It is given what is fast: one UPDATE takes the lock and the number, nothing is looked up that is not needed,
-- and texts are as long as the product's.

CREATE OR REPLACE FUNCTION bench_member(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

-- The rows that a posting and an order write besides the books: event, audit entry, stored answer.
CREATE OR REPLACE FUNCTION bench_tell(member uuid, event text, action text, reference text, answer text,
    payload text, recorded timestamptz, at timestamptz, status smallint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (event_id, type, member_id, recorded_at, payload)
    VALUES (uuidv7(), event, member, recorded, payload);
    INSERT INTO audit_entries (written_at, actor, action, subject, reason, request_id, detail)
    VALUES (at, 'key:ak_01900000000070008000000000000000', action, 'mbr_01900000000070008000000000000000', '',
            'req_000000000000000000000000', '');
    INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
    VALUES ('key:ak_01900000000070008000000000000000', reference,
            '\x000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f', status, answer::bytea, at);
END $$;

CREATE OR REPLACE FUNCTION bench_accrue(n bigint, points bigint, reference text, answer text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    member uuid := bench_member(n);
    at timestamptz := clock_timestamp();
    number bigint;
    recorded timestamptz;
    total bigint;
BEGIN
    UPDATE member_books SET version = version + 1, next_seq = next_seq + 1,
        last_recorded_at = greatest(last_recorded_at, at)
    WHERE member_id = member RETURNING next_seq - 1, last_recorded_at INTO number, recorded;
    UPDATE member_wallets SET balance = balance + points WHERE member_id = member AND wallet_id = 1
    RETURNING balance INTO total;
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    VALUES (member, number, 1, 'accrue', 101, 100, points, total, 0, false, reference, NULL, recorded, recorded, at,
            1, '', '\x000102030405060708090a0b0c0d0e0f');
    INSERT INTO lots (member_id, lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id)
    VALUES (member, number, 1, points, points, recorded, recorded, recorded + interval '400 days', NULL);
    PERFORM bench_tell(member, 'PointsAccrued', 'accrue', reference, answer,
        '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z",'
        '"wallet":"points","amount":10,"reference":"' || reference || '"}', recorded, at, 201::smallint);
    RETURN number;
END $$;

CREATE OR REPLACE FUNCTION bench_redeem(n bigint, points bigint, reference text, answer text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    member uuid := bench_member(n);
    at timestamptz := clock_timestamp();
    number bigint;
    recorded timestamptz;
    total bigint;
    lacking bigint := points;
    part bigint;
    uses smallint := 0;
    lot record;
BEGIN
    UPDATE member_books SET version = version + 1, next_seq = next_seq + 1,
        last_recorded_at = greatest(last_recorded_at, at)
    WHERE member_id = member RETURNING next_seq - 1, last_recorded_at INTO number, recorded;
    FOR lot IN
        SELECT l.lot_no, l.remaining FROM lots AS l
        WHERE l.member_id = member AND l.remaining > 0 AND l.wallet_id = 1
          AND l.available_at <= recorded AND l.expires_at > recorded
        ORDER BY l.expires_at, l.earned_at, l.lot_no
    LOOP
        part := least(lot.remaining, lacking);
        UPDATE lots SET remaining = remaining - part WHERE member_id = member AND lot_no = lot.lot_no;
        INSERT INTO lot_uses (member_id, seq, use_no, lot_no, amount, gives_back, of_seq)
        VALUES (member, number, uses, lot.lot_no, part, 0, NULL);
        lacking := lacking - part;
        uses := uses + 1;
        EXIT WHEN lacking = 0;
    END LOOP;
    IF lacking > 0 THEN
        RAISE EXCEPTION 'too few points';
    END IF;
    UPDATE member_wallets SET balance = balance - points WHERE member_id = member AND wallet_id = 1
    RETURNING balance INTO total;
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    VALUES (member, number, 1, 'redeem', 100, 102, points, total, 0, false, reference, NULL, recorded, recorded, at,
            1, '', '\x000102030405060708090a0b0c0d0e0f');
    PERFORM bench_tell(member, 'PointsRedeemed', 'redeem', reference, answer,
        '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z",'
        '"wallet":"points","amount":10,"reference":"' || reference || '"}', recorded, at, 201::smallint);
    RETURN number;
END $$;
