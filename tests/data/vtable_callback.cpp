// A class with the members of CCallbackBase (docs/contracts/steam.md, "Dispatch"): three virtual functions, two of them
// overloads of one name, then the flags and the id. Each function has a caller, as in Valve's library. `test_vtable_order`
// compares the layout that C++ compilers choose with the callback object that is built with ctypes.

typedef unsigned char uint8;
typedef unsigned long long uint64;

class CCallbackBase
{
public:
    virtual void Run(void *param) = 0;
    virtual void Run(void *param, bool io_failure, uint64 call) = 0;
    virtual int GetCallbackSizeBytes() = 0;

    uint8 flags;
    int id;
};

class Listener : public CCallbackBase
{
public:
    void Run(void *param) override;
    void Run(void *param, bool io_failure, uint64 call) override;
    int GetCallbackSizeBytes() override;
};

void Listener::Run(void *) {}
void Listener::Run(void *, bool, uint64) {}
int Listener::GetCallbackSizeBytes() { return sizeof(Listener); }

extern "C" void call_run(CCallbackBase *object, void *param) { object->Run(param); }
extern "C" void call_run_of_a_call(CCallbackBase *object, void *param) { object->Run(param, true, ~0ull); }
extern "C" int call_size(CCallbackBase *object) { return object->GetCallbackSizeBytes(); }
