"""China's A-share market: codes and boards, price limits, ex-right events, from daily facts."""
